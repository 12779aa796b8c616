//! What users would pick instead: programs of a workspace of their own, `tests/benches`, so that no other build pays.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the program that is written by hand.
pub(crate) fn build_by_hand() -> io::Result<()> {
    let manifest = benches().join("Cargo.toml");
    run(Command::new("cargo")
        .args(["build", "--quiet", "--release", "--package", "by-hand", "--manifest-path"])
        .arg(manifest)
        .env("CARGO_TARGET_DIR", target()))
}

/// Installs django-athm into a virtual environment, or nothing if all is there.
pub(crate) fn install_django() -> io::Result<()> {
    let venv = venv();
    if !venv.join("bin/pip").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let packages = ["django==5.2.19", "django-athm==1.0.2", "gunicorn==27.0.1", "psycopg[binary]==3.3.9"];
    run(Command::new(venv.join("bin/pip")).args(["install", "--quiet"]).args(packages))
}

pub(crate) fn by_hand(database: &str) -> Command {
    let mut command = Command::new(target().join("release/by-hand"));
    command.arg(database);
    command
}

pub(crate) fn django(database: &str) -> Command {
    let mut command = Command::new(venv().join("bin/python"));
    command.arg(benches().join("django/serve.py")).arg(database);
    command
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?} failed"))) }
}

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benches")
}

fn venv() -> PathBuf {
    target().join("django-athm")
}
