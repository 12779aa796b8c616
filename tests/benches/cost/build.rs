//! Writes the 4,000 receivers of the benchmark of the index: 40 files of 100.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut all = String::new();
    for file in 0..40 {
        let mut receivers = String::from("use athm_core::receiver;\n");
        for function in 0..100 {
            writeln!(receivers, "\n#[receiver(completed)]\nfn receiver_{function}() {{}}")?;
        }
        let path = folder.join(format!("module_{file}.rs"));
        fs::write(&path, receivers)?;
        writeln!(all, "#[path = {path:?}]\nmod module_{file};")?;
    }
    fs::write(folder.join("receivers.rs"), all)?;
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
