//! The part of a request after the question mark.

use super::{refusal::Refusal, resource::Resource};

/// What a reader asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Changes, and not only what is there.
    pub watch: bool,
    /// What the reader has seen already; `None` begins with what is there.
    pub version: Option<u64>,
    /// A watch begins with what is there, and says when that has been told.
    pub initial_events: bool,
    /// Now and then a version without a change.
    pub bookmarks: bool,
    /// When a watch ends.
    pub timeout_s: Option<u64>,
    /// Only the object of this name.
    pub name: Option<String>,
    /// Only objects of this namespace.
    pub namespace: Option<String>,
}

impl Query {
    /// Reads it. What only saves work (limit, timeout of a list …) is passed over.
    pub fn parse(text: &str, resource: &Resource) -> Result<Self, Refusal> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decoded(key)?, decoded(value)?);
            let yes = value == "true" || value == "1";
            match key.as_str() {
                "watch" => query.watch = yes,
                "sendInitialEvents" => query.initial_events = yes,
                "allowWatchBookmarks" => query.bookmarks = yes,
                "resourceVersion" => query.version = version(&value)?,
                "timeoutSeconds" => query.timeout_s = value.parse().ok(),
                "fieldSelector" => query.select(&value, resource)?,
                "labelSelector" if !value.is_empty() => {
                    return Err(Refusal::bad("label selectors are not served: list all objects"));
                }
                _ => {}
            }
        }
        Ok(query)
    }

    fn select(&mut self, selector: &str, resource: &Resource) -> Result<(), Refusal> {
        for term in selector.split(',').filter(|term| !term.is_empty()) {
            let (field, value) = term.split_once('=').unwrap_or((term, ""));
            let value = Some(value.trim_start_matches('=').to_owned());
            match field {
                "metadata.name" => self.name = value,
                "metadata.namespace" if resource.namespaced => self.namespace = value,
                _ => return Err(Refusal::bad(format!("field label not supported: {field}"))),
            }
        }
        Ok(())
    }
}

/// 0 and none at all mean that any state will do: the newest is one.
fn version(text: &str) -> Result<Option<u64>, Refusal> {
    match text {
        "" | "0" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Refusal::bad(format!("Invalid value: {text:?}: resourceVersion: it is no number"))
        }),
    }
}

/// Undoes `%41` and `+`.
fn decoded(text: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16)
                    .map_err(|_| Refusal::bad(format!("no escape of a query: %{digits}")))?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).map_err(|_| Refusal::bad("a query that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Query, Refusal> {
        let claims = Resource::find("", "persistentvolumeclaims");
        claims.map_or_else(|| Err(Refusal::no_such_path()), |claims| Query::parse(text, claims))
    }

    #[test]
    fn what_client_go_asks_for() {
        let text = "allowWatchBookmarks=true&resourceVersion=0&resourceVersionMatch=NotOlderThan\
                    &sendInitialEvents=true&timeout=7m2s&timeoutSeconds=422&watch=true";
        let expected = Query {
            watch: true,
            initial_events: true,
            bookmarks: true,
            timeout_s: Some(422),
            ..Query::default()
        };
        assert_eq!(parse(text), Ok(expected));
        let one =
            parse("fieldSelector=metadata.name%3Da%2Cmetadata.namespace%3Dns&resourceVersion=7");
        let (name, namespace) = (Some("a".into()), Some("ns".into()));
        assert_eq!(one, Ok(Query { name, namespace, version: Some(7), ..Query::default() }));
    }

    #[test]
    fn what_is_not_served_is_refused() {
        for text in
            ["labelSelector=a%3Db", "fieldSelector=spec.a%3Db", "resourceVersion=x", "a=%zz"]
        {
            assert_eq!(parse(text).map_err(|refusal| refusal.code), Err(400), "{text}");
        }
    }
}
