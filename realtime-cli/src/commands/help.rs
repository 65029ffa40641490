use std::{
    ffi::OsStr,
    io::{self, Write},
};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Cli;

#[derive(Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        // In memory, because the generator panics where it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "realtime", &mut script);
        Ok(io::stdout().lock().write_all(&script)?)
    }
}

/// Prints the manual page, those of the commands included.
pub(crate) fn man() -> anyhow::Result<()> {
    let mut page = Vec::new();
    let command = Cli::command();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for command in command.get_subcommands() {
        let man = clap_mangen::Man::new(command.clone());
        writeln!(page, ".SH {}", command.get_name().to_uppercase())?;
        man.render_synopsis_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    Ok(io::stdout().lock().write_all(&page)?)
}

/// Whether an argument is an API key.
pub(crate) fn is_secret(argument: &OsStr) -> bool {
    let text = argument.to_string_lossy();
    let value = text.split_once('=').map_or(&*text, |(_, value)| value);
    ["sk-", "ek_"].iter().any(|start| value.starts_with(start)) && value.len() > 12 && !value.contains(' ')
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn keys_are_recognised() {
        for key in ["sk-proj-0123456789", "--key=sk-0123456789abcdef", "ek_0123456789abcdef"] {
            assert!(is_secret(OsStr::new(key)), "{key}");
        }
        for text in ["sk-8", "sk-learn is a library", "hello", "--model=gpt-realtime"] {
            assert!(!is_secret(OsStr::new(text)), "{text}");
        }
    }
}
