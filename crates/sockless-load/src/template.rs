//! Texts with placeholders, such as `{"do":"join","room":"{group}"}`. A placeholder is a known word in braces; braces with anything but small letters
//! in them are left as they are, so that JSON needs no escaping.

use std::fmt;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The number of the connection, from 0.
    Number,
    /// The number of its group.
    Group,
    /// Its number in the group.
    Member,
    /// The name of the user.
    User,
    /// The number of this run, eight hexadecimal digits.
    Run,
    /// A signed token of the user's.
    Jwt,
    /// The mark by which the message is recognised: in messages alone.
    Mark,
    /// Which message of the sender's it is, from 0: in messages alone.
    Sequence,
    /// Letters that make the message longer: in messages alone.
    Padding,
}

const WORDS: [(&str, Placeholder); 9] = [
    ("number", Placeholder::Number),
    ("group", Placeholder::Group),
    ("member", Placeholder::Member),
    ("user", Placeholder::User),
    ("run", Placeholder::Run),
    ("jwt", Placeholder::Jwt),
    ("mark", Placeholder::Mark),
    ("sequence", Placeholder::Sequence),
    ("padding", Placeholder::Padding),
];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

/// A text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

/// What is in braces is no placeholder, or isn't one here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    word: String,
    allowed: Vec<&'static str>,
    /// Where it begins, in bytes.
    pub at: usize,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}} is no placeholder here; there are", self.word)?;
        self.allowed.iter().try_for_each(|word| write!(f, " {{{word}}}"))
    }
}

impl std::error::Error for Unknown {}

impl Template {
    /// Reads a text in which some placeholders are allowed.
    ///
    /// # Errors
    ///
    /// One that isn't.
    pub fn parse(text: &str, allowed: impl Fn(Placeholder) -> bool) -> Result<Self, Unknown> {
        let (mut pieces, mut plain, mut at) = (Vec::new(), String::new(), 0);
        while let Some(open) = text[at..].find('{').map(|found| at + found) {
            let inside = &text[open + 1..];
            let word_end = inside.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(inside.len());
            let is_word = word_end > 0 && inside[word_end..].starts_with('}');
            plain.push_str(&text[at..open]);
            at = open + 1;
            if !is_word {
                plain.push('{');
                continue;
            }
            let word = &inside[..word_end];
            let found = WORDS.iter().find(|(name, it)| *name == word && allowed(*it));
            let Some((_, placeholder)) = found else {
                let allowed = WORDS.iter().filter(|(_, it)| allowed(*it)).map(|(name, _)| *name);
                return Err(Unknown { word: word.into(), allowed: allowed.collect(), at: open });
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Placeholder(*placeholder));
            at = open + 1 + word_end + 1;
        }
        plain.push_str(&text[at..]);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// Whether it has a placeholder.
    pub fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Piece::Placeholder(placeholder))
    }

    /// The text, with what a value is found for in each place.
    pub fn fill(&self, value: impl Fn(Placeholder) -> String) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Placeholder(placeholder) => text.push_str(&value(*placeholder)),
            }
        }
        text
    }
}
