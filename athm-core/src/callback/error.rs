//! Why a message can't be read.

use crate::util::text::shortened;

/// Why the body of a message can't be read.
///
/// ```
/// use athm_core::errors::ParseError;
/// use athm_core::Message;
///
/// let error = Message::parse("application/json", b"").unwrap_err();
/// assert!(matches!(error, ParseError::Empty));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is neither a form nor JSON.
    #[error("expected application/json or application/x-www-form-urlencoded, found {found:?}")]
    ContentType {
        /// The content type that it came with, shortened.
        found: String,
    },
    /// There is nothing in it.
    #[error("expected a JSON object or a form, found an empty body")]
    Empty,
    /// It says that it is JSON, and is not.
    #[error("expected JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// It is JSON, but not an object.
    #[error("expected a JSON object, found {found}")]
    NotAnObject {
        /// What sort of JSON it is.
        found: &'static str,
    },
    /// One of its fields can't be read.
    #[error(transparent)]
    Field(#[from] FieldError),
}

impl ParseError {
    /// The field that can't be read, as the message spells it.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field_error().map(FieldError::field)
    }

    /// The error without anything that the message contains: for a log line.
    ///
    /// ```
    /// use athm_core::Message;
    ///
    /// let error = Message::parse("application/json", br#"{"ecommerceId": "Ana"}"#).unwrap_err();
    /// assert_eq!(error.without_contents(), "ecommerceId: expected an ecommerceId (a UUID)");
    /// ```
    #[must_use]
    pub fn without_contents(&self) -> String {
        match self {
            Self::Field(error) => format!("{}: expected {}", error.field(), error.reason()),
            Self::Json(error) => format!("expected JSON: {:?} error at line {}", error.classify(), error.line()),
            Self::ContentType { .. } => {
                String::from("expected application/json or application/x-www-form-urlencoded, found another type")
            }
            Self::Empty | Self::NotAnObject { .. } => self.to_string(),
        }
    }

    pub(crate) fn field_error(&self) -> Option<&FieldError> {
        match self {
            Self::Field(error) => Some(error),
            _ => None,
        }
    }
}

/// A field that can't be read.
///
/// ```
/// use athm_core::Message;
/// use athm_core::errors::ParseError;
///
/// let body = br#"{"ecommerceId": "not an id", "status": "COMPLETED"}"#;
/// match Message::parse("application/json", body) {
///     Err(ParseError::Field(error)) => println!("{}: {}", error.field(), error.problem()),
///     other => println!("{other:?}"),
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {}", self.problem())]
pub struct FieldError {
    field: String,
    expected: String,
    /// What was there instead, shortened; not where it may be personal.
    found: Option<String>,
}

impl FieldError {
    /// Without the value: there is none, or it is personal.
    pub(crate) fn new(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { field: field.into(), expected: expected.into(), found: None }
    }

    pub(crate) fn expected(field: impl Into<String>, expected: impl Into<String>, found: &serde_json::Value) -> Self {
        Self { field: field.into(), expected: expected.into(), found: Some(shortened(&found.to_string())) }
    }

    /// A field that the provider's answer must have, and has not.
    pub(crate) fn missing(field: &str) -> Self {
        Self::new(field, "a value in the provider's answer")
    }

    /// The same field, as one of another's.
    pub(super) fn within(self, outer: &str) -> Self {
        let field = if self.field.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.field) };
        Self { field, ..self }
    }

    /// The field, as the message spells it.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What was expected, and what was there.
    #[must_use]
    pub fn problem(&self) -> String {
        let Self { expected, found, .. } = self;
        found
            .as_ref()
            .map_or_else(|| format!("expected {expected}"), |found| format!("expected {expected}, found {found}"))
    }

    /// What was expected: the reason, without the value, for a log line.
    pub(crate) fn reason(&self) -> &str {
        &self.expected
    }
}
