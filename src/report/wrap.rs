//! A line in a narrow terminal: broken between words, what follows stands under where its text began.
use unicode_width::UnicodeWidthChar;

/// A rendered line in lines of so many columns; from the second on each begins with `hang` blanks. Colour sequences take none.
#[must_use]
pub fn wrapped(text: &str, width: usize, hang: usize) -> String {
    // Some words have to fit.
    let hang = hang.min(width / 2);
    let mut out = String::with_capacity(text.len() + 16);
    // Where the line may be broken, and the columns up to there.
    let (mut gap, mut column, mut since) = (None, 0, 0);
    let mut begins = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            out.push(c);
            for c in chars.by_ref() {
                out.push(c);
                if c == 'm' {
                    break;
                }
            }
            continue;
        }
        let wide = c.width().unwrap_or(0);
        if column + wide > width {
            match gap.take() {
                Some(at) if c != ' ' => {
                    out.replace_range(at..=at, &format!("\n{}", " ".repeat(hang)));
                    column = hang + since;
                }
                Some(_) | None => {
                    out.push('\n');
                    out.push_str(&" ".repeat(hang));
                    column = hang;
                }
            }
            since = column - hang;
            begins = true;
        }
        // The gap that it was broken at.
        if c == ' ' && begins {
            continue;
        }
        begins = false;
        if c == ' ' && column > hang {
            (gap, since) = (Some(out.len()), 0);
        } else {
            since += wide;
        }
        out.push(c);
        column += wide;
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_between_words_and_hangs() {
        assert_eq!(wrapped("one two three", 13, 2), "one two three");
        assert_eq!(wrapped("one two three four", 13, 2), "one two three\n  four");
        assert_eq!(
            wrapped("12:00:01  it waits for an answer", 20, 10),
            "12:00:01  it waits\n          for an\n          answer"
        );
        assert_eq!(wrapped("a 0123456789012345", 10, 2), "a 01234567\n  89012345");
        assert_eq!(wrapped("\x1b[1mone two\x1b[0m three", 8, 0), "\x1b[1mone two\x1b[0m\nthree");
        assert_eq!(wrapped("漢字漢字 漢字", 8, 0), "漢字漢字\n漢字");
    }
}
