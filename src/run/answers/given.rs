//! `--answer LABEL=VALUE`. The label is the question as written in the file, `#{…}` included, or its path;
//! `VALUE` may end in `:"…"`, which pins what the question says when it is asked.
use crate::engine::QuestionAsked;

/// The text of the answer given for a question. None: there is none.
#[must_use]
pub fn given(answers: &[String], question: &QuestionAsked) -> Option<Result<String, String>> {
    let path = question.path.to_string();
    let value = answers.iter().find_map(|a| value(a, &question.source).or_else(|| value(a, &path)))?;
    Some(match pinned(value) {
        Some((text, pin)) if pin == question.text => Ok(text.to_owned()),
        Some((_, pin)) => Err(format!("it is for \"{pin}\", but the question is \"{}\"", question.text)),
        None => Ok(value.to_owned()),
    })
}

/// The text of the answer that stands for a label or a path, without its pin: what is known before the start.
#[must_use]
pub fn beforehand<'a>(answers: &'a [String], source: &str, path: &str) -> Option<&'a str> {
    let value = answers.iter().find_map(|a| value(a, source).or_else(|| value(a, path)))?;
    Some(pinned(value).map_or(value, |(text, _)| text))
}

/// Labels hold any text, `=` included: only the whole label counts.
fn value<'a>(answer: &'a str, label: &str) -> Option<&'a str> {
    answer.strip_prefix(label)?.strip_prefix('=')
}

fn pinned(value: &str) -> Option<(&str, &str)> {
    value.strip_suffix('"')?.split_once(":\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::QuestionKind;
    use crate::engine::call::{Path, Segment};

    fn ask(text: &str) -> QuestionAsked {
        let path = Path::default().join(Segment::At(3)).join(Segment::Element(0));
        let source = "End #{n} sessions, x=1?".into();
        QuestionAsked { path, source, text: text.into(), kind: QuestionKind::Confirm, within: None }
    }

    #[test]
    fn a_label_is_matched_as_written_or_by_path() {
        let q = ask("End 3 sessions, x=1?");
        let one = |a: &str| given(&[a.to_owned()], &q);
        assert_eq!(one("End #{n} sessions, x=1?=yes"), Some(Ok("yes".into())));
        assert_eq!(one("3[0]=no"), Some(Ok("no".into())));
        assert_eq!(one("End 3 sessions, x=1?=yes"), None);
        assert_eq!(one("End #{n} sessions, x=1?"), None);
    }

    #[test]
    fn a_pinned_answer_holds_only_for_what_it_saw() {
        let pin = "End #{n} sessions, x=1?=yes:\"End 3 sessions, x=1?\"".to_owned();
        assert_eq!(given(std::slice::from_ref(&pin), &ask("End 3 sessions, x=1?")), Some(Ok("yes".into())));
        let other = given(&[pin], &ask("End 900 sessions, x=1?")).unwrap().unwrap_err();
        assert!(other.contains("End 900 sessions"), "{other}");
    }
}
