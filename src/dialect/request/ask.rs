//! How an OpenAI stream is made to tell its usage: `stream_options.include_usage`.

use crate::scan::Word;

/// A change of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    /// The byte at which it begins.
    pub at: usize,
    /// How many bytes are taken out there.
    pub remove: usize,
    /// What is put in their place.
    pub insert: &'static str,
}

/// What a body says of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ask {
    /// Where the first member of the body can stand.
    pub(super) begin: u64,
    /// How often `stream` was told.
    pub(super) streams: u32,
    /// How often `stream_options` was told.
    pub(super) options: u32,
    /// How often `include_usage` was told.
    pub(super) includes: u32,
    /// A field that some origins take for one of these and others do not.
    pub(super) doubtful: bool,
    /// The last of them.
    pub(super) told: Told,
}

/// What `stream_options` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Told {
    /// It is not there, or not something to be changed.
    #[default]
    Nothing,
    /// A word in its place, which ends there.
    Options(Word, u64),
    /// An object whose members begin there.
    Object {
        /// After the brace.
        start: u64,
        /// Whether there is no member.
        empty: bool,
    },
    /// `include_usage`, and where it ends.
    Include(Word, u64),
}

impl Ask {
    /// How the body is to be changed; `None` if it needs no change or bears none.
    pub(super) fn edit(&self) -> Option<Edit> {
        if self.doubtful || self.streams != 1 || self.options > 1 || self.includes > 1 {
            return None;
        }
        let insert = |at: u64, insert| {
            let at = usize::try_from(at).ok()?;
            Some(Edit {
                at,
                remove: 0,
                insert,
            })
        };
        let replace = |word: Word, end: u64, insert| {
            let remove = word.letters().len();
            let at = usize::try_from(end).ok()?.checked_sub(remove)?;
            Some(Edit { at, remove, insert })
        };
        match self.told {
            // `stream` itself stands in the body, so something follows.
            Told::Nothing if self.options == 0 => {
                insert(self.begin, r#""stream_options":{"include_usage":true},"#)
            }
            Told::Options(Word::Null, end) => replace(Word::Null, end, r#"{"include_usage":true}"#),
            Told::Object { start, empty } if self.includes == 0 => insert(
                start,
                if empty {
                    r#""include_usage":true"#
                } else {
                    r#""include_usage":true,"#
                },
            ),
            Told::Include(word @ (Word::False | Word::Null), end) => replace(word, end, "true"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::string_slice,
        reason = "an edit that cuts a character has failed"
    )]

    use crate::dialect::request::read;

    #[test]
    fn a_stream_can_be_made_to_tell_its_usage() {
        for (body, changed) in [
            (
                r#"{"stream":true}"#,
                Some(r#"{"stream_options":{"include_usage":true},"stream":true}"#),
            ),
            (
                r#" { "stream" : true }"#,
                Some(r#" {"stream_options":{"include_usage":true}, "stream" : true }"#),
            ),
            (
                r#"{"stream":true,"stream_options":null}"#,
                Some(r#"{"stream":true,"stream_options":{"include_usage":true}}"#),
            ),
            (
                r#"{"stream_options":{},"stream":true}"#,
                Some(r#"{"stream_options":{"include_usage":true},"stream":true}"#),
            ),
            (
                r#"{"stream_options":{"a":1},"stream":true}"#,
                Some(r#"{"stream_options":{"include_usage":true,"a":1},"stream":true}"#),
            ),
            (
                r#"{"stream_options":{"a":1,"include_usage":false},"stream":true}"#,
                Some(r#"{"stream_options":{"a":1,"include_usage":true},"stream":true}"#),
            ),
            (
                r#"{"stream_options":{"include\u005fusage":null},"stream":true}"#,
                Some(r#"{"stream_options":{"include\u005fusage":true},"stream":true}"#),
            ),
            // It does anyway.
            (
                r#"{"stream_options":{"include_usage":true},"stream":true}"#,
                None,
            ),
            // It is no stream.
            (r#"{"stream":false}"#, None),
            (r#"{"stream":"true"}"#, None),
            ("{}", None),
            // It cannot be done safely.
            (r#"{"stream":true,"stream":true}"#, None),
            (r#"{"stream":true,"Stream":false}"#, None),
            (
                r#"{"stream":true,"stream_options":{},"stream_options":{}}"#,
                None,
            ),
            (r#"{"stream":true,"Stream_Options":{}}"#, None),
            (
                r#"{"stream":true,"stream_options":{"Include_usage":false}}"#,
                None,
            ),
            (
                r#"{"stream":true,"stream_options":{"include_usage":false,"include_usage":false}}"#,
                None,
            ),
            (
                r#"{"stream":true,"stream_options":{"include_usage":"no"}}"#,
                None,
            ),
            (r#"{"stream":true,"stream_options":true}"#, None),
            (r#"{"stream":true,"stream_options":[]}"#, None),
            (r#"{"stream":true,"stream_options":"x"}"#, None),
            (r#"{"stream":true,"stream_options":1}"#, None),
        ] {
            let edit = read(body.as_bytes()).unwrap().usage_edit();
            let edited = edit.map(|edit| {
                format!(
                    "{}{}{}",
                    &body[..edit.at],
                    edit.insert,
                    &body[edit.at + edit.remove..]
                )
            });
            assert_eq!(edited.as_deref(), changed, "{body}");
        }
    }
}
