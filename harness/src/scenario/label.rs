//! Expressions over labels, in the form of Ginkgo's label filter: `smoke && !slow`, `a || (b && c)`;
//! a comma is `||`.

use std::str::FromStr;

/// Which labels a scenario must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Term);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Label(String),
    Not(Box<Term>),
    All(Vec<Term>),
    Any(Vec<Term>),
}

/// Deepest nesting; more is a mistake, and would exhaust the stack.
const DEPTH_MAX: usize = 50;

impl Labels {
    /// Whether a scenario with these labels is meant.
    pub fn fit(&self, labels: &[String]) -> bool {
        self.0.fits(labels)
    }

    /// Every label that is named.
    pub fn named(&self) -> Vec<&str> {
        let mut named = Vec::new();
        self.0.name(&mut named);
        named
    }
}

impl Term {
    fn fits(&self, labels: &[String]) -> bool {
        match self {
            Self::Label(label) => labels.contains(label),
            Self::Not(term) => !term.fits(labels),
            Self::All(terms) => terms.iter().all(|term| term.fits(labels)),
            Self::Any(terms) => terms.iter().any(|term| term.fits(labels)),
        }
    }

    fn name<'a>(&'a self, named: &mut Vec<&'a str>) {
        match self {
            Self::Label(label) => named.push(label),
            Self::Not(term) => term.name(named),
            Self::All(terms) | Self::Any(terms) => terms.iter().for_each(|term| term.name(named)),
        }
    }
}

impl FromStr for Labels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = Rest { text, depth: 0 };
        let term = rest.any()?;
        match rest.peek() {
            None => Ok(Self(term)),
            Some(other) => Err(format!("`{other}` is not expected here in `{text}`")),
        }
    }
}

struct Rest<'a> {
    text: &'a str,
    depth: usize,
}

impl Rest<'_> {
    fn any(&mut self) -> Result<Term, String> {
        let mut terms = vec![self.all()?];
        while self.take("||") || self.take(",") {
            terms.push(self.all()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Term::Any(terms) })
    }

    fn all(&mut self) -> Result<Term, String> {
        let mut terms = vec![self.one()?];
        while self.take("&&") {
            terms.push(self.one()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Term::All(terms) })
    }

    fn one(&mut self) -> Result<Term, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} levels of `!` and `(`"));
        }
        let term = if self.take("!") {
            Term::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let term = self.any()?;
            if !self.take(")") {
                return Err("a `(` without its `)`".to_owned());
            }
            term
        } else {
            Term::Label(self.label()?)
        };
        self.depth -= 1;
        Ok(term)
    }

    fn label(&mut self) -> Result<String, String> {
        self.text = self.text.trim_start();
        let is_part = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let end = self.text.find(|c| !is_part(c)).unwrap_or(self.text.len());
        if end > 0 {
            let (label, rest) = self.text.split_at(end);
            self.text = rest;
            return Ok(label.to_owned());
        }
        Err(match self.peek() {
            Some('/') => "regular expressions are not supported: name the labels".to_owned(),
            Some(other) => format!("a label is expected where `{other}` stands"),
            None => "a label is missing at the end, as in `smoke && !slow`".to_owned(),
        })
    }

    fn take(&mut self, token: &str) -> bool {
        self.text = self.text.trim_start();
        let rest = self.text.strip_prefix(token);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn peek(&self) -> Option<char> {
        self.text.trim_start().chars().next()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("smoke", true)]
    #[case("slow", false)]
    #[case("!slow", true)]
    #[case("smoke && !slow", true)]
    #[case("smoke&&slow", false)]
    #[case("slow || smoke && quick", true)]
    #[case("(slow || smoke) && other", false)]
    #[case("slow, smoke", true)]
    #[case("!(slow || smoke)", false)]
    #[case("!!smoke", true)]
    fn expressions(#[case] text: &str, #[case] fit: bool) {
        let labels = ["smoke".to_owned(), "quick".to_owned()];
        assert_eq!(text.parse::<Labels>().unwrap().fit(&labels), fit);
    }

    #[rstest]
    #[case("")]
    #[case("smoke &&")]
    #[case("smoke quick")]
    #[case("(smoke")]
    #[case("smoke)")]
    #[case("/smo.*/")]
    #[case("smoke & quick")]
    fn no_expressions(#[case] text: &str) {
        assert!(text.parse::<Labels>().is_err());
        assert!("(".repeat(100_000).parse::<Labels>().is_err());
    }

    #[test]
    fn every_label_is_named() {
        assert_eq!("a && !(b || c)".parse::<Labels>().unwrap().named(), ["a", "b", "c"]);
    }
}
