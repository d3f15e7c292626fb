//! Colours by what they mean. A theme is a TOML file of styles; the terminal's depth decides what becomes of its colours.

use std::collections::BTreeMap;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the table below says what each is
pub enum Paint {
    Text,
    Dim,
    Heading,
    Accent,
    Border,
    FocusedBorder,
    Selected,
    SelectedUnfocused,
    Match,
    Good,
    Bad,
    Warning,
    Stale,
    Edited,
    Key,
    Status,
    Keyword,
    Literal,
    Number,
    Comment,
    Tool,
    Added,
    Removed,
    AddedWord,
    RemovedWord,
    Bar,
}

/// Every paint with its name in theme files.
const PAINTS: [(Paint, &str); 26] = [
    (Paint::Text, "text"),
    (Paint::Dim, "dim"),
    (Paint::Heading, "heading"),
    (Paint::Accent, "accent"),
    (Paint::Border, "border"),
    (Paint::FocusedBorder, "focused-border"),
    (Paint::Selected, "selected"),
    (Paint::SelectedUnfocused, "selected-unfocused"),
    (Paint::Match, "match"),
    (Paint::Good, "good"),
    (Paint::Bad, "bad"),
    (Paint::Warning, "warning"),
    (Paint::Stale, "stale"),
    (Paint::Edited, "edited"),
    (Paint::Key, "key"),
    (Paint::Status, "status"),
    (Paint::Keyword, "code-keyword"),
    (Paint::Literal, "code-string"),
    (Paint::Number, "code-number"),
    (Paint::Comment, "code-comment"),
    (Paint::Tool, "code-tool"),
    (Paint::Added, "added"),
    (Paint::Removed, "removed"),
    (Paint::AddedWord, "added-word"),
    (Paint::RemovedWord, "removed-word"),
    (Paint::Bar, "bar"),
];

/// The themes inside the program, by name; the first is the default.
pub const THEMES: [(&str, &str); 4] = [
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../assets/themes/high-contrast.toml"),
    ),
    (
        "no-color",
        include_str!("../../assets/themes/no-color.toml"),
    ),
];

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// None: `NO_COLOR`, or a terminal that has none.
    None,
    /// The sixteen of every terminal.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    True,
}

impl ColorDepth {
    /// What the environment says. `variable` looks one up.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if set("NO_COLOR").is_some() || set("TERM").as_deref() == Some("dumb") {
            return Self::None;
        }
        let deep = set("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
        let term = set("TERM").unwrap_or_default();
        match term.as_str() {
            _ if deep => Self::True,
            term if term.ends_with("-direct")
                || term.contains("kitty")
                || term.contains("ghostty") =>
            {
                Self::True
            }
            term if term.contains("256color") => Self::Indexed,
            _ => Self::Sixteen,
        }
    }
}

/// A style for each meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: BTreeMap<Paint, Style>,
}

/// A theme that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// It is not TOML, or has another shape.
    #[error("the theme `{theme}` is wrong: {reason}")]
    Wrong {
        /// Its name.
        theme: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no such theme.
    #[error("there is no theme `{theme}`; there are {}", THEMES.map(|(name, _)| name).join(", "))]
    Unknown {
        /// The name asked for.
        theme: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StyleEntry {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    dim: bool,
    #[serde(default)]
    italic: bool,
    #[serde(default)]
    underlined: bool,
    #[serde(default)]
    reversed: bool,
}

impl Theme {
    /// A theme of the program by its name, for a terminal of this depth.
    pub fn named(name: &str, depth: ColorDepth) -> Result<Self, ThemeError> {
        let found = THEMES.iter().find(|(known, _)| *known == name);
        let (name, text) = found.ok_or_else(|| ThemeError::Unknown {
            theme: name.to_owned(),
        })?;
        Self::parse(name, text, depth)
    }

    /// A theme from the text of its file. What it does not name looks like plain text.
    pub fn parse(name: &str, toml: &str, depth: ColorDepth) -> Result<Self, ThemeError> {
        let wrong = |reason: String| ThemeError::Wrong {
            theme: name.to_owned(),
            reason,
        };
        let entries: BTreeMap<String, StyleEntry> =
            toml_edit::de::from_str(toml).map_err(|error| wrong(error.to_string()))?;
        let mut styles = BTreeMap::new();
        for (key, entry) in entries {
            let paint = PAINTS.iter().find(|(_, known)| *known == key);
            let (paint, _) = paint.ok_or_else(|| wrong(format!("nothing is called `{key}`")))?;
            let style = entry
                .style(depth)
                .map_err(|reason| wrong(format!("{key}: {reason}")))?;
            styles.insert(*paint, style);
        }
        Ok(Self {
            name: name.to_owned(),
            styles,
        })
    }

    /// A theme that paints nothing.
    pub fn plain() -> Self {
        Self {
            name: "plain".to_owned(),
            styles: BTreeMap::new(),
        }
    }

    /// Whether it has any colour.
    pub fn has_colors(&self) -> bool {
        self.styles.values().any(|style| style.fg.is_some())
    }

    /// The style of a meaning.
    pub fn style(&self, paint: Paint) -> Style {
        self.styles.get(&paint).copied().unwrap_or_default()
    }
}

impl StyleEntry {
    fn style(&self, depth: ColorDepth) -> Result<Style, String> {
        let color = |text: &Option<String>| -> Result<Option<Color>, String> {
            let Some(text) = text else { return Ok(None) };
            let color = Color::from_str(text).map_err(|_| format!("`{text}` is no colour"))?;
            Ok(shown(color, depth))
        };
        let mut style = Style {
            fg: color(&self.fg)?,
            bg: color(&self.bg)?,
            ..Style::default()
        };
        for (on, modifier) in [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underlined, Modifier::UNDERLINED),
            (self.reversed, Modifier::REVERSED),
        ] {
            if on {
                style = style.add_modifier(modifier);
            }
        }
        // Without its colours a selection would not be seen.
        if depth == ColorDepth::None && self.bg.is_some() && !self.dim {
            style = style.add_modifier(Modifier::REVERSED);
        }
        Ok(style)
    }
}

/// What a terminal of a depth shows for a colour; `None` is its own.
fn shown(color: Color, depth: ColorDepth) -> Option<Color> {
    match (color, depth) {
        (_, ColorDepth::None) => None,
        (Color::Rgb(r, g, b), ColorDepth::Indexed) => {
            Some(Color::Indexed(nearest_indexed(r, g, b)))
        }
        (Color::Rgb(r, g, b), ColorDepth::Sixteen) => Some(nearest_named(r, g, b)),
        (Color::Indexed(index), ColorDepth::Sixteen) if index > 15 => {
            let (r, g, b) = indexed_rgb(index);
            Some(nearest_named(r, g, b))
        }
        (color, _) => Some(color),
    }
}

const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    square(a.0, b.0) + square(a.1, b.1) + square(a.2, b.2)
}

fn indexed_rgb(index: u8) -> (u8, u8, u8) {
    match index.checked_sub(16) {
        None => NAMED.get(index as usize).map_or((0, 0, 0), |(_, rgb)| *rgb),
        Some(at) if at < 216 => {
            let side = |n: u8| CUBE[usize::from(n % 6)];
            (side(at / 36), side(at / 6), side(at))
        }
        Some(at) => {
            let grey = 8 + 10 * (at - 216);
            (grey, grey, grey)
        }
    }
}

fn nearest_indexed(r: u8, g: u8, b: u8) -> u8 {
    (16..=255)
        .min_by_key(|index| distance(indexed_rgb(*index), (r, g, b)))
        .unwrap_or(15)
}

/// The sixteen colours as xterm shows them.
const NAMED: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 0, 0)),
    (Color::Green, (0, 205, 0)),
    (Color::Yellow, (205, 205, 0)),
    (Color::Blue, (0, 0, 238)),
    (Color::Magenta, (205, 0, 205)),
    (Color::Cyan, (0, 205, 205)),
    (Color::Gray, (229, 229, 229)),
    (Color::DarkGray, (127, 127, 127)),
    (Color::LightRed, (255, 0, 0)),
    (Color::LightGreen, (0, 255, 0)),
    (Color::LightYellow, (255, 255, 0)),
    (Color::LightBlue, (92, 92, 255)),
    (Color::LightMagenta, (255, 0, 255)),
    (Color::LightCyan, (0, 255, 255)),
    (Color::White, (255, 255, 255)),
];

fn nearest_named(r: u8, g: u8, b: u8) -> Color {
    NAMED
        .iter()
        .min_by_key(|(_, rgb)| distance(*rgb, (r, g, b)))
        .map_or(Color::Reset, |(color, _)| *color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_paints_everything_at_every_depth() {
        for (name, _) in THEMES {
            for depth in [
                ColorDepth::None,
                ColorDepth::Sixteen,
                ColorDepth::Indexed,
                ColorDepth::True,
            ] {
                let theme = Theme::named(name, depth).expect("a theme");
                for (paint, word) in PAINTS {
                    assert!(theme.styles.contains_key(&paint), "{name}: {word}");
                    let style = theme.style(paint);
                    if depth == ColorDepth::None || name == "no-color" {
                        assert_eq!((style.fg, style.bg), (None, None), "{name}: {word}");
                    }
                }
                assert_ne!(
                    theme.style(Paint::Selected),
                    theme.style(Paint::Text),
                    "{name} at {depth:?}"
                );
            }
        }
    }

    #[test]
    fn colours_become_what_the_terminal_has() {
        let orange = Color::Rgb(255, 135, 0);
        assert_eq!(shown(orange, ColorDepth::True), Some(orange));
        assert_eq!(
            shown(orange, ColorDepth::Indexed),
            Some(Color::Indexed(208))
        );
        assert_eq!(
            shown(Color::Rgb(250, 5, 5), ColorDepth::Sixteen),
            Some(Color::LightRed)
        );
        assert_eq!(
            shown(Color::Indexed(196), ColorDepth::Sixteen),
            Some(Color::LightRed)
        );
        assert_eq!(shown(Color::Cyan, ColorDepth::Sixteen), Some(Color::Cyan));
        assert_eq!(shown(orange, ColorDepth::None), None);
    }

    #[test]
    fn the_environment_tells_the_depth() {
        let depth = |variables: &[(&str, &str)]| {
            ColorDepth::of_environment(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(depth(&[("TERM", "xterm")]), ColorDepth::Sixteen);
        assert_eq!(depth(&[("TERM", "xterm-256color")]), ColorDepth::Indexed);
        let deep = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
        assert_eq!(depth(&deep), ColorDepth::True);
        assert_eq!(
            depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]),
            ColorDepth::None
        );
        assert_eq!(
            depth(&[("NO_COLOR", ""), ("TERM", "xterm")]),
            ColorDepth::Sixteen
        );
        assert_eq!(depth(&[("TERM", "dumb")]), ColorDepth::None);
    }

    #[test]
    fn what_is_wrong_with_a_theme_is_said() {
        let error = |toml: &str| {
            Theme::parse("mine", toml, ColorDepth::True)
                .expect_err("wrong")
                .to_string()
        };
        assert!(error("nonsense = {}").contains("nothing is called `nonsense`"));
        assert!(error("text = { fg = \"blurple\" }").contains("`blurple` is no colour"));
        assert!(error("text = ").contains("`mine` is wrong"));
        let unknown = Theme::named("sepia", ColorDepth::True).expect_err("unknown");
        assert!(unknown.to_string().contains("dark, light"));
    }
}
