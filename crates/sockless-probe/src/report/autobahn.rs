//! A report in the shape of Autobahn's `index.json` and its files for single cases, so that scripts that read those go on.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::files::{read, write as write_file};
use super::result::{Report, Result};

/// The name of a case's file, as the suite builds it.
fn file(agent: &str, id: &str) -> String {
    let kept = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { ' ' };
    let agent: String = agent.trim().to_lowercase().chars().map(kept).collect();
    let agent = agent.trim().replace(' ', "_");
    format!("{agent}_case_{}.json", id.replace('.', "_"))
}

fn entry(agent: &str, result: &Result) -> Value {
    json!({
        "behavior": result.finding.behavior.name(),
        "behaviorClose": result.finding.closing.name(),
        "duration": result.took.as_millis() as u64,
        "remoteCloseCode": result.finding.remote_code,
        "reportfile": file(agent, &result.id),
    })
}

/// Writes `index.json`, into which other agents' entries are kept, and a file for each case.
pub(super) fn write(report: &Report, folder: &Path) -> std::result::Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let path = folder.join("index.json");
    let known = read(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
    let mut index: Map<String, Value> = known.unwrap_or_default();
    let own: Map<String, Value> = report
        .results
        .iter()
        .map(|result| (result.id.clone(), entry(&report.agent, result)))
        .collect();
    index.insert(report.agent.clone(), Value::Object(own));
    write_file(&path, &format!("{:#}\n", Value::Object(index)))?;
    for result in &report.results {
        let finding = &result.finding;
        let log: Vec<String> = result.log.iter().map(super::terminal::line).collect();
        let case = json!({
            "agent": report.agent,
            "id": result.id,
            "description": result.says,
            "expectation": result.rule.sentence,
            "behavior": finding.behavior.name(),
            "behaviorClose": finding.closing.name(),
            "result": finding.reason,
            "resultClose": finding.closing_reason,
            "remoteCloseCode": finding.remote_code,
            "duration": result.took.as_millis() as u64,
            "wirelog": log,
        });
        let name = file(&report.agent, &result.id);
        write_file(&folder.join(name), &format!("{case:#}\n"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::file;

    #[test]
    fn files_are_named_as_the_suite_names_them() {
        assert_eq!(file("My Server/2.0", "1.1.10"), "my_server_2_0_case_1_1_10.json");
    }
}
