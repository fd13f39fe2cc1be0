//! The command `csi-stretch`.

fn main() -> std::process::ExitCode {
    csi_stretch::cli::main()
}
