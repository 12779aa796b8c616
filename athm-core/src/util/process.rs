//! What this process is called.

use std::sync::OnceLock;
use std::{env, fs, process};

/// The machine's name, where that is known, and the process's id: `web-1 (4711)`.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let id = process::id();
        let given = env::var("HOSTNAME").or_else(|_| env::var("COMPUTERNAME")).ok();
        let machine = given.or_else(|| fs::read_to_string("/etc/hostname").ok());
        match machine.as_deref().map(str::trim).filter(|machine| !machine.is_empty()) {
            Some(machine) => format!("{machine} ({id})"),
            None => format!("process {id}"),
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_name_tells_the_process() {
        assert!(super::name().contains(&std::process::id().to_string()), "{}", super::name());
    }
}
