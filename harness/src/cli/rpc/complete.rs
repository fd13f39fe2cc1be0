//! The methods as subcommands, so that a shell completes them and their flags.

use std::collections::BTreeSet;

use clap::{Args as _, Command};

use super::{
    args::Common,
    method::{Method, Methods, Spelling},
};
use crate::cli::outcome::Failure;

/// The program's command with the methods in it: by name below `rpc`, in csc's words below each
/// service.
pub fn with_methods(program: Command) -> Result<Command, Failure> {
    let methods = Methods::load()?;
    let services: BTreeSet<String> = methods.iter().map(Method::service).collect();
    let mut rpc = with_common(Command::new("rpc"));
    for method in methods.iter() {
        // Of two dialects' the first is meant; the other's has its full name.
        let name = method.0.name();
        let taken = rpc.find_subcommand(name).is_some();
        let name = if taken { method.full_name() } else { name.to_owned() };
        rpc = rpc.subcommand(named(method, Spelling::Name, name));
    }
    let mut program = program.mut_subcommand("rpc", |_| rpc);
    for service in &services {
        if program.find_subcommand(service).is_none() {
            continue;
        }
        let of_service = methods.iter().filter(|method| method.service() == *service);
        let command = of_service.fold(with_common(Command::new(service.clone())), |all, method| {
            let verb = method.verb();
            if all.find_subcommand(&verb).is_some() {
                return all;
            }
            all.subcommand(named(method, Spelling::Csc, verb))
        });
        program = program.mut_subcommand(service, |_| command);
    }
    Ok(program)
}

fn with_common(command: Command) -> Command {
    Common::augment_args(command)
}

fn named(method: &Method, spelling: Spelling, name: String) -> Command {
    method.command(spelling).name(name).no_binary_name(false)
}
