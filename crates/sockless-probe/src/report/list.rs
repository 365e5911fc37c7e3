//! The list of the cases, on the terminal.

use super::terminal::say;
use crate::cases;
use crate::options::Choice;
use crate::verdict::Testee;

/// Lists the cases.
pub(crate) fn list(choice: &Choice) -> Result<bool, String> {
    let testee = choice.testee.unwrap_or(Testee::Server);
    for case in cases::all(testee).iter().filter(|case| choice.takes(case)) {
        say(&format!(
            "{:<34} {:<7} {} [{}: {}]\n",
            case.id,
            case.level.name(),
            case.says,
            case.rule.name,
            case.rule.place
        ));
    }
    Ok(true)
}
