//! Other people's words made fit for a history: short, printable, one line. Knows nothing of who
//! said them.

/// Longest message kept, bytes.
pub const MESSAGE_BYTES_MAX: usize = 1024;

const CUT: &str = "… (cut)";

/// Escapes what a terminal or a log could act on, and cuts at [`MESSAGE_BYTES_MAX`].
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MESSAGE_BYTES_MAX));
    for c in text.chars() {
        let start = out.len();
        if acts(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        if out.len() > MESSAGE_BYTES_MAX {
            out.truncate(start);
            cut(&mut out);
            break;
        }
    }
    out
}

/// Control characters, and those that turn the direction of text.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Makes room for the mark that says something is missing.
fn cut(out: &mut String) {
    while out.len() + CUT.len() > MESSAGE_BYTES_MAX {
        out.pop();
    }
    out.push_str(CUT);
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("volume is busy", "volume is busy")]
    #[case::umlaut("Größe ✓", "Größe ✓")]
    #[case::lines("a\nb\tc", "a\\nb\\tc")]
    #[case::terminal("\u{1b}[31mred", "\\u{1b}[31mred")]
    #[case::turned("abc\u{202e}def", "abc\\u{202e}def")]
    fn words_are_printable(#[case] text: &str, #[case] want: &str) {
        assert_eq!(clean(text), want);
    }

    #[rstest]
    #[case::ascii("x".repeat(5000))]
    #[case::wide("ß".repeat(5000))]
    #[case::escapes("\n".repeat(5000))]
    fn long_words_are_cut_and_say_so(#[case] text: String) {
        let cleaned = clean(&text);
        assert!(cleaned.len() <= MESSAGE_BYTES_MAX, "{} bytes", cleaned.len());
        assert!(cleaned.len() > MESSAGE_BYTES_MAX - 8, "{} bytes", cleaned.len());
        assert!(cleaned.ends_with(CUT));
    }

    #[test]
    fn the_longest_message_is_kept_whole() {
        let text = "y".repeat(MESSAGE_BYTES_MAX);
        assert_eq!(clean(&text), text);
    }
}
