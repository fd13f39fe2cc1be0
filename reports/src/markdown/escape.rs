//! Makes text inert in Markdown: no link, image, mention, table cell or HTML out of a string.
//! Input is tamed already (one line, nothing hidden).

use std::fmt::Write as _;

/// Running text; what stands between backticks becomes code.
pub fn text(string: &str) -> String {
    let parts: Vec<&str> = string.split('`').collect();
    let spans = parts.len() % 2 == 1 && parts.iter().skip(1).step_by(2).all(|p| !p.is_empty());
    if !spans {
        return plain(string);
    }
    let part = |(n, part): (usize, &&str)| if n % 2 == 1 { code(part) } else { plain(part) };
    parts.iter().enumerate().map(part).collect()
}

/// Text without code in it. Entities rather than backslashes: they also hold inside tables and HTML. What is
/// inert where it stands (`CAP_SYS_RESOURCE`, `[fs=xfs]`) stays readable.
fn plain(string: &str) -> String {
    let links = string.contains("](") || string.contains("][") || string.contains("]:");
    let mut out = String::with_capacity(string.len());
    let mut before = ' ';
    let mut chars = string.chars().peekable();
    while let Some(char) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        let active = match char {
            '&' | '<' | '>' | '\\' | '`' | '*' | '|' | '~' | '@' | '$' => true,
            '[' | ']' | '!' => links,
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '#' => after.is_ascii_digit() || before == ' ',
            _ => false,
        };
        if active {
            // Writing to a string cannot fail.
            let _ = write!(out, "&#{};", char as u32);
        } else {
            out.push(char);
        }
        before = char;
    }
    // Bare addresses become links without any mark-up.
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// Code within a line; a backtick span cannot hold every string, an element can.
pub fn code(string: &str) -> String {
    format!("<code>{}</code>", plain(string))
}

/// A block of code; the fence is longer than any run of backticks inside.
pub fn fence(language: &str, string: &str) -> String {
    let longest = string.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{string}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_active() {
        let hostile = "</script><img src=x onerror=a> | ![x](http://e) @team `*_~ #1";
        let tame = text(hostile);
        for active in ['<', '>', '|', '!', '[', '`', '*', '_', '@', '~'] {
            assert!(!tame.contains(active), "{active} in {tame}");
        }
        assert!(!tame.contains("http://") && !tame.contains(" #1"), "{tame}");
        assert_eq!(text("CAP_SYS_RESOURCE in grow[fs=xfs]!"), "CAP_SYS_RESOURCE in grow[fs=xfs]!");
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        assert_eq!(text("needs `sizes: {maximum}`!"), "needs <code>sizes: {maximum}</code>!");
        assert_eq!(text("`<b>`"), "<code>&#60;b&#62;</code>");
        assert_eq!(text("``"), "&#96;&#96;");
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(fence("sh", "a"), "```sh\na\n```");
        assert_eq!(fence("", "a ```` b"), "`````\na ```` b\n`````");
    }
}
