//! One word or a list of them, and what `expect` makes of that.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, value::MapAccessDeserializer},
};
use serde_saphyr::Spanned;

use crate::scenario::{
    lexeme::{Answers, Text},
    word::{Lexeme, Word, at},
};

/// One word or a list of words.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMany<T>(pub Vec<Word<T>>);

/// Names of request fields.
pub(crate) type Names = OneOrMany<Text>;

/// Which codes are accepted.
#[derive(Clone, Debug)]
pub(crate) struct ExpectFile {
    /// Right.
    pub pass: OneOrMany<Answers>,
    /// Legal, with a remark.
    pub warn: Option<OneOrMany<Answers>>,
}

/// The long form of `expect`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PassWarn {
    /// Right.
    pass: OneOrMany<Answers>,
    /// Legal, but not what the specification prefers.
    #[serde(default)]
    warn: Option<OneOrMany<Answers>>,
}

impl<'de, T> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Spanned::<List<T>>::deserialize(deserializer)?;
        Ok(match found.value {
            List::Many(words) => Self(words),
            List::One(text) => {
                let length = text.chars().count() as u32;
                Self(vec![Word::new(text, at(found.referenced, length))])
            }
            List::Long(_) => return Err(de::Error::custom("expected a word or a list of words")),
        })
    }
}

impl<T: Lexeme> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("one_or_many_{}", Word::<T>::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<Word<T>>();
        json_schema!({"anyOf": [word, {"type": "array", "items": word, "minItems": 1}]})
    }
}

impl<'de> Deserialize<'de> for ExpectFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Spanned::<List<Answers>>::deserialize(deserializer)?;
        Ok(match found.value {
            List::Long(PassWarn { pass, warn }) => Self { pass, warn },
            List::Many(words) => Self { pass: OneOrMany(words), warn: None },
            List::One(text) => {
                let length = text.chars().count() as u32;
                let word = Word::new(text, at(found.referenced, length));
                Self { pass: OneOrMany(vec![word]), warn: None }
            }
        })
    }
}

impl JsonSchema for ExpectFile {
    fn schema_name() -> Cow<'static, str> {
        "expect".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<OneOrMany<Answers>>();
        json_schema!({"anyOf": [short, generator.subschema_for::<PassWarn>()]})
    }
}

/// What may stand where a list may stand.
enum List<T> {
    One(String),
    Many(Vec<Word<T>>),
    Long(PassWarn),
}

impl<'de, T> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<fn() -> T>);
        impl<'de, T> de::Visitor<'de> for Visitor<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of words")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<List<T>, E> {
                Ok(List::One(v.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element()? {
                    words.push(word);
                }
                Ok(List::Many(words))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<List<T>, A::Error> {
                PassWarn::deserialize(MapAccessDeserializer::new(map)).map(List::Long)
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}
