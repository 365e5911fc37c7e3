//! The plan of a run against the suite's fuzzing server: the addresses that a client has to ask in turn.

/// A run against a fuzzing server: the addresses that it has to be asked in turn.
#[derive(Clone, Debug)]
pub struct Plan {
    server: String,
    agent: String,
}

impl Plan {
    /// The plan from the command line: `ws://HOST:PORT --agent NAME`.
    ///
    /// # Errors
    ///
    /// What the user is to be told.
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        const USAGE: &str = "usage: PROGRAM ws://HOST:PORT --agent NAME";
        match (args.next(), args.next().as_deref(), args.next(), args.next()) {
            (Some(server), Some("--agent"), Some(agent), None) => Ok(Self { server, agent }),
            _ => Err(USAGE.into()),
        }
    }

    /// Where the server tells the number of cases, in a text message.
    pub fn case_count(&self) -> String {
        format!("{}/getCaseCount", self.server)
    }

    /// Where a case is run. Every message is to be sent back.
    pub fn case(&self, number: u32) -> String {
        format!("{}/runCase?case={number}&agent={}", self.server, self.agent)
    }

    /// Where the server is told to write its reports.
    pub fn update_reports(&self) -> String {
        format!("{}/updateReports?agent={}", self.server, self.agent)
    }
}
