//! The settings file: TOML with the names of the flags, each value with the line that it stands in.

use toml::de::{DeTable, DeValue};

use super::SettingsError;

/// A setting as the file has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
    /// Where it stands, for errors.
    pub(super) place: String,
}

/// The settings of a file with this name and this text.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Line>, SettingsError> {
    let at = |start: usize| {
        let line = text.as_bytes().iter().take(start).filter(|byte| **byte == b'\n').count() + 1;
        format!("{file}, line {line}")
    };
    let table = DeTable::parse(text).map_err(|error| {
        let place = error.span().map_or_else(|| file.to_owned(), |span| at(span.start));
        SettingsError::File(place, error.message().to_owned())
    })?;
    let mut lines = Vec::new();
    for (name, value) in table.into_inner() {
        let place = at(name.span().start);
        let name = name.into_inner().into_owned();
        let Some(value) = words(value.get_ref()) else {
            let what = format!("{name}: not a text, a number, true, false, or a list of texts");
            return Err(SettingsError::File(place, what));
        };
        lines.push(Line { name, value, place });
    }
    Ok(lines)
}

/// A value in the words of a flag.
fn words(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        DeValue::Boolean(true) => Some("yes".into()),
        DeValue::Boolean(false) => Some("no".into()),
        DeValue::Array(list) => {
            let texts = list.iter().map(|one| one.get_ref().as_str());
            Some(texts.collect::<Option<Vec<_>>>()?.join(","))
        }
        _ => None,
    }
}
