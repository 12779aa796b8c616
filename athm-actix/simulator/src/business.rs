//! The business that receives payments.

/// The fields of a find answer that describe the business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Business {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) industry: String,
}

impl Default for Business {
    fn default() -> Self {
        Self {
            id: String::from("5f0c21aa7be94d10a3e6c8d2b4170e93"),
            name: String::from("Simulated Business"),
            path: String::from("simulated"),
            industry: String::from("RETAIL"),
        }
    }
}
