//! Compiles the protocol files without a system `protoc`, and lists the clause files.

use std::{env, fs, io::Write, path::PathBuf};

const FILES: [&str; 3] = ["csi/v0/csi.proto", "csi/v1/csi.proto", "control/v1/control.proto"];

/// Messages of csi.v0 that are on the wire as csi.v1's of that name, and have its Rust type: theirs
/// are the same numbers under other names, or fewer of them. `tests/dialects.rs` proves it.
const SHARED: &[&str] = &include!("shared.rs");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for file in FILES.into_iter().chain(["shared.rs"]) {
        println!("cargo::rerun-if-changed={file}");
    }
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    // Prost's own types would lose the options that a protocol defines itself, `csi_secret` too.
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let shared = |builder: tonic_prost_build::Builder, name: &&str| {
        builder.extern_path(format!(".csi.v0.{name}"), format!("crate::csi::v1::{name}"))
    };
    SHARED
        .iter()
        .fold(tonic_prost_build::configure(), shared)
        .compile_fds(compiler.file_descriptor_set())?;
    list_clauses(&out)
}

/// Writes a Rust slice of `(file name, text)` so that the catalogue travels inside the binary.
fn list_clauses(out: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=clauses");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("clauses");
    let mut paths: Vec<_> =
        fs::read_dir(&root)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.sort();
    let mut file = fs::File::create(out.join("clauses.rs"))?;
    writeln!(file, "&[")?;
    for path in paths.iter().filter(|p| p.extension().is_some_and(|x| x == "yaml")) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let path = path.to_string_lossy();
        writeln!(file, "    ({name:?}, include_str!({path:?})),")?;
    }
    writeln!(file, "]")?;
    Ok(())
}
