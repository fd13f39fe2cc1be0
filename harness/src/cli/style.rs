//! Whether to use colour: NO_COLOR, then CLICOLOR_FORCE, then whether it is a terminal.

use std::io::IsTerminal as _;

/// Argument of `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What standard output takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Colour may be used.
    pub color: bool,
    /// A progress bar may be drawn on standard error.
    pub progress: bool,
}

impl When {
    /// Looks at the environment and the terminal.
    pub fn decide(self) -> Style {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let color = match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if set("NO_COLOR") => false,
            Self::Auto if set("CLICOLOR_FORCE") => true,
            Self::Auto => std::io::stdout().is_terminal(),
        };
        let progress = std::io::stderr().is_terminal() && !set("CI");
        Style { color, progress }
    }
}

impl From<Style> for csi_stretch_reports::console::Style {
    fn from(style: Style) -> Self {
        Self::new(style.color)
    }
}
