//! What the readers of JUnit files agree on (Jenkins' plugin, Maven's Surefire, GitLab, GitHub's
//! actions), as a table, and a validator that needs no program on the host. An element or
//! attribute that only one of them knows is not in the table.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::{Reader, events::Event};

type Attributes = BTreeMap<String, String>;

/// How a value is written.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Count,
    Seconds,
    Timestamp,
}

use Form::{Count, Seconds, Text, Timestamp};

struct Rule {
    element: &'static str,
    required: &'static [(&'static str, Form)],
    optional: &'static [(&'static str, Form)],
    /// In this order.
    children: &'static [&'static str],
    /// Of these at most one in all.
    one_of: &'static [&'static str],
    text: bool,
}

const COUNTS: &[(&str, Form)] =
    &[("name", Text), ("tests", Count), ("failures", Count), ("errors", Count), ("time", Seconds)];
const OUTCOMES: &[&str] = &["skipped", "failure", "error"];

const RULES: &[Rule] = &[
    Rule {
        element: "testsuites",
        required: COUNTS,
        optional: &[("skipped", Count)],
        children: &["testsuite"],
        one_of: &[],
        text: false,
    },
    Rule {
        element: "testsuite",
        required: &[
            ("name", Text),
            ("tests", Count),
            ("failures", Count),
            ("errors", Count),
            ("skipped", Count),
            ("time", Seconds),
        ],
        optional: &[("timestamp", Timestamp), ("hostname", Text), ("id", Text), ("package", Text)],
        children: &["properties", "testcase", "system-out", "system-err"],
        one_of: &[],
        text: false,
    },
    Rule {
        element: "properties",
        required: &[],
        optional: &[],
        children: &["property"],
        one_of: &[],
        text: false,
    },
    Rule {
        element: "property",
        required: &[("name", Text), ("value", Text)],
        optional: &[],
        children: &[],
        one_of: &[],
        text: false,
    },
    Rule {
        element: "testcase",
        required: &[("name", Text), ("classname", Text), ("time", Seconds)],
        optional: &[],
        children: &["skipped", "failure", "error", "system-out", "system-err"],
        one_of: OUTCOMES,
        text: false,
    },
    outcome("skipped", &[("message", Text)]),
    outcome("failure", &[("message", Text), ("type", Text)]),
    outcome("error", &[("message", Text), ("type", Text)]),
    outcome("system-out", &[]),
    outcome("system-err", &[]),
];

const fn outcome(element: &'static str, required: &'static [(&'static str, Form)]) -> Rule {
    Rule { element, required, optional: &[], children: &[], one_of: &[], text: true }
}

/// An element with what is in it.
#[derive(Default)]
struct Node {
    name: String,
    attributes: Attributes,
    children: Vec<Node>,
    text: bool,
}

/// Everything that is wrong; empty for a good file.
pub fn breaches(xml: &str) -> Vec<String> {
    match read(xml) {
        Err(error) => vec![error],
        Ok(root) if root.name != "testsuites" => vec![format!("the root is `{}`", root.name)],
        Ok(root) => {
            let mut wrong = Vec::new();
            check(&root, &mut wrong);
            sums(&root, &mut wrong);
            wrong
        }
    }
}

fn read(xml: &str) -> Result<Node, String> {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Node::default()];
    loop {
        let event = reader.read_event().map_err(|error| format!("no XML: {error}"))?;
        match event {
            Event::Start(start) => open.push(node(&start)?),
            Event::Empty(start) => {
                let node = node(&start)?;
                open.last_mut().ok_or("no root")?.children.push(node);
            }
            Event::End(_) => {
                let node = open.pop().ok_or("an end without a start")?;
                open.last_mut().ok_or("an end without a start")?.children.push(node);
            }
            Event::Text(text) => {
                let blank = text.iter().all(u8::is_ascii_whitespace);
                open.last_mut().ok_or("no root")?.text |= !blank;
            }
            Event::CData(_) | Event::GeneralRef(_) => {
                open.last_mut().ok_or("no root")?.text = true;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match open.as_mut_slice() {
        [root] if root.children.len() == 1 => Ok(root.children.remove(0)),
        _ => Err("there is not just one root, or it is open".to_owned()),
    }
}

fn node(start: &quick_xml::events::BytesStart<'_>) -> Result<Node, String> {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let mut attributes = Attributes::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("{name}: {error}"))?;
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        attributes.insert(key, String::from_utf8_lossy(&attribute.value).into_owned());
    }
    Ok(Node { name, attributes, ..Node::default() })
}

fn check(node: &Node, wrong: &mut Vec<String>) {
    let name = &node.name;
    let Some(rule) = RULES.iter().find(|rule| rule.element == name) else {
        wrong.push(format!("unknown element `{name}`"));
        return;
    };
    for (key, _) in rule.required.iter().filter(|(key, _)| !node.attributes.contains_key(*key)) {
        wrong.push(format!("{name} has no `{key}`"));
    }
    for (key, value) in &node.attributes {
        let known = rule.required.iter().chain(rule.optional).find(|(known, _)| known == key);
        match known {
            None => wrong.push(format!("{name} has an unknown `{key}`")),
            Some((_, form)) if !is_of(value, *form) => {
                wrong.push(format!("{name} has `{key}={value}`"));
            }
            Some(_) => {}
        }
    }
    if node.text && !rule.text {
        wrong.push(format!("{name} has text"));
    }
    let at = |child: &Node| rule.children.iter().position(|known| *known == child.name);
    for child in node.children.iter().filter(|child| at(child).is_none()) {
        wrong.push(format!("{name} has an element `{}`", child.name));
    }
    if !node.children.is_sorted_by_key(at) {
        wrong.push(format!("the elements of {name} are out of order"));
    }
    let outcomes = node.children.iter().filter(|child| rule.one_of.contains(&child.name.as_str()));
    if outcomes.count() > 1 {
        wrong.push(format!("{name} has more than one outcome"));
    }
    node.children.iter().for_each(|child| check(child, wrong));
}

fn is_of(value: &str, form: Form) -> bool {
    match form {
        Text => true,
        Count => value.parse::<u32>().is_ok(),
        Seconds => value.parse::<f64>().is_ok_and(|s| s >= 0.0) && !value.contains(['e', 'E', ',']),
        // 2026-11-20T23:15:04 with or without a zone.
        Timestamp => {
            value.len() >= 19
                && value.bytes().take(19).enumerate().all(|(at, byte)| match at {
                    4 | 7 => byte == b'-',
                    10 => byte == b'T',
                    13 | 16 => byte == b':',
                    _ => byte.is_ascii_digit(),
                })
        }
    }
}

/// Numbers in the attributes are those of the elements; readers show one or the other.
fn sums(root: &Node, wrong: &mut Vec<String>) {
    let suites: Vec<&Node> = root.children.iter().collect();
    for suite in &suites {
        let cases = || suite.children.iter().filter(|child| child.name == "testcase");
        let names: BTreeSet<_> = cases().map(|case| case.attributes.get("name")).collect();
        let suite_name = suite.attributes.get("name");
        if names.len() != cases().count() {
            wrong.push(format!("names of cases in {suite_name:?} are not unique"));
        }
        for (key, element) in [("skipped", "skipped"), ("failures", "failure"), ("errors", "error")]
        {
            let has = |case: &&Node| case.children.iter().any(|child| child.name == element);
            told(suite, key, cases().filter(has).count(), wrong);
        }
        told(suite, "tests", cases().count(), wrong);
    }
    for key in ["tests", "failures", "errors"] {
        let of = |suite: &&Node| suite.attributes.get(key).and_then(|n| n.parse::<usize>().ok());
        told(root, key, suites.iter().filter_map(of).sum(), wrong);
    }
}

fn told(node: &Node, key: &str, counted: usize, wrong: &mut Vec<String>) {
    if node.attributes.get(key).map(String::as_str) != Some(counted.to_string().as_str()) {
        wrong.push(format!("{} says `{key}` other than {counted}", node.name));
    }
}
