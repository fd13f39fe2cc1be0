//! The smallest parts of a scenario file: single words that know where they stand, may hold matrix
//! values (`${fs}`), and get their meaning only when those are chosen.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, MapAccess, value::MapAccessDeserializer},
};
use serde_saphyr::{Location, Spanned};

use super::error::{At, Problem, unknown};

/// What a word can mean.
pub(crate) trait Lexeme: Sized {
    /// For messages: `size`, `code`.
    const WHAT: &'static str;
    /// All words there are, if they can be listed.
    fn known() -> Vec<String> {
        Vec::new()
    }
    /// The meaning; `Err` says what is wrong in a lower-case fragment.
    fn parse(text: &str) -> Result<Self, String>;
    /// JSON Schema of the word, matrix values aside.
    fn schema() -> Schema {
        match Self::known() {
            known if known.is_empty() => json_schema!({"type": "string"}),
            known => json_schema!({"enum": known}),
        }
    }
}

/// Finds a word among the listed ones; for [`Lexeme::parse`].
pub(crate) fn find<T: Lexeme + Clone>(
    text: &str,
    table: impl IntoIterator<Item = (String, T)>,
) -> Result<T, String> {
    let found = table.into_iter().find(|(name, _)| name == text).map(|(_, value)| value);
    let known = T::known();
    found.ok_or_else(|| unknown(T::WHAT, text, known.iter().map(String::as_str)))
}

/// A word at its place.
pub(crate) struct Word<T> {
    pub text: String,
    pub at: At,
    meaning: PhantomData<fn() -> T>,
}

impl<T> Word<T> {
    pub fn new(text: impl Into<String>, at: At) -> Self {
        Self { text: text.into(), at, meaning: PhantomData }
    }
}

impl<T: Lexeme> Word<T> {
    /// The meaning under the chosen matrix values.
    pub fn get(&self, axes: &Axes) -> Result<T, Problem> {
        let text = axes.fill(&self.text).map_err(|message| Problem::new(self.at, message))?;
        T::parse(&text).map_err(|message| Problem::new(self.at, message))
    }
}

impl<T> Clone for Word<T> {
    fn clone(&self) -> Self {
        Self::new(self.text.clone(), self.at)
    }
}

impl<T> fmt::Debug for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl<'de, T> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Scalar>::deserialize(deserializer)?;
        let length = spanned.value.0.chars().count() as u32;
        Ok(Self::new(spanned.value.0, at(spanned.referenced, length)))
    }
}

impl<T: Lexeme> JsonSchema for Word<T> {
    fn schema_name() -> Cow<'static, str> {
        T::WHAT.replace(' ', "_").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [T::schema(), {"type": "string", "pattern": r"\$\{[a-z_]+\}"}]})
    }
}

/// Chosen matrix values, by axis.
#[derive(Clone, Debug, Default)]
pub(crate) struct Axes {
    pub values: BTreeMap<String, String>,
    /// Where the file gives each value.
    pub places: BTreeMap<String, At>,
}

impl Axes {
    /// Replaces `${axis}`.
    fn fill(&self, text: &str) -> Result<String, String> {
        let mut rest = text;
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) =
                after.split_once('}').ok_or_else(|| format!("`{text}` has `${{` without `}}`"))?;
            let known = self.values.keys().map(String::as_str);
            let value = self.values.get(name).ok_or_else(|| unknown("matrix axis", name, known))?;
            filled.push_str(before);
            filled.push_str(value);
            rest = tail;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// Any YAML scalar as text, the way it was meant: `3`, `true`, `64MiB`.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or number")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Scalar, E> {
                Ok(Scalar(v.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The place of a YAML node.
pub(crate) fn at(location: Location, length: u32) -> At {
    At { line: location.line() as u32, column: location.column() as u32, length }
}

/// Arguments that can be written as one word, as a map, or left out: `grow: x2`,
/// `grow: {to: x2, limit: x2}`, `publish`.
pub(crate) trait Shorthand: Sized {
    /// What the one word means.
    type Short: Lexeme;
    /// From the one word; `None`: nothing was written.
    fn short(word: Option<Word<Self::Short>>) -> Self;
    /// JSON Schema's type name for the long form.
    const NAME: &'static str;
}

/// Arguments of a verb, in either form.
#[derive(Clone, Debug)]
pub(crate) struct Args<T>(pub T);

impl<'de, T: Shorthand + Deserialize<'de>> Deserialize<'de> for Args<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Form<T>>::deserialize(deserializer)?;
        Ok(Self(match spanned.value {
            Form::Nothing => T::short(None),
            Form::Full(value) => value,
            Form::Short(text) => {
                let length = text.chars().count() as u32;
                T::short(Some(Word::new(text, at(spanned.referenced, length))))
            }
        }))
    }
}

impl<T: Shorthand + JsonSchema> JsonSchema for Args<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = Word::<T::Short>::json_schema(generator);
        json_schema!({"anyOf": [{"type": "null"}, short, generator.subschema_for::<T>()]})
    }
}

enum Form<T> {
    Nothing,
    Short(String),
    Full(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Form<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Form<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, a map, or nothing")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Form<T>, E> {
                Ok(Form::Nothing)
            }
            fn visit_none<E: de::Error>(self) -> Result<Form<T>, E> {
                Ok(Form::Nothing)
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Form<T>, E> {
                Ok(Form::Short(v.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Form<T>, E> {
                Scalar::deserialize(v.into_deserializer()).map(|s| Form::Short(s.0))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Form<T>, E> {
                Scalar::deserialize(v.into_deserializer()).map(|s| Form::Short(s.0))
            }
            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Form<T>, E> {
                Scalar::deserialize(v.into_deserializer()).map(|s| Form::Short(s.0))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Form<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Form::Full)
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}
