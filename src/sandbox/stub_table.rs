//! What stubs do, as a table: the modules that steps draw and keep files with, none of which the sandbox has.

/// What a stub does when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    /// Gives another stub, of this name.
    Object(&'static str),
    /// Gives a tuple of stubs.
    Objects(&'static [&'static str]),
    /// Gives `None`.
    Nothing,
    /// Gives `None`, and the path in its first argument counts as made.
    Makes,
    /// Is computed: a pure function of `os.path`.
    Path,
    /// Says whether the path was made by an earlier call of this run.
    Exists,
    /// Can't be answered without doing it: the step is unsupported.
    Refuse,
}

use Reaction::{Exists, Makes, Nothing, Object, Objects, Path, Refuse};

/// The roots of modules that stubs stand for; any other module is either the interpreter's own or unsupported.
///
/// Those that the tables below do not know can be imported, as the reference's prompt allows, and nothing more: the step is
/// unsupported once it uses one.
pub(super) const ROOTS: &[&str] = &[
    "matplotlib",
    "PIL",
    "os",
    "numpy",
    "pandas",
    "scipy",
    "sympy",
    "sklearn",
    "torch",
    "random",
    "time",
    "io",
    "csv",
    "pickle",
    "statistics",
    "fractions",
    "decimal",
    "string",
    "queue",
    "stat",
    "zipfile",
    "tempfile",
    "xml",
    "requests",
    "bs4",
    "pptx",
    "openpyxl",
    "pypdf",
    "PyPDF2",
    "docx",
    "chess",
    "Bio",
    "yahoo_finance",
    "yfinance",
    "pydub",
    "cv2",
    "seaborn",
];

/// Modules below the roots: importing one gives a stub with attributes, importing another name a function.
pub(super) const MODULES: &[&str] = &[
    "matplotlib",
    "matplotlib.pyplot",
    "matplotlib.patches",
    "matplotlib.dates",
    "matplotlib.cm",
    "matplotlib.colors",
    "matplotlib.ticker",
    "PIL",
    "PIL.Image",
    "PIL.ImageDraw",
    "PIL.ImageFont",
    "PIL.ImageOps",
    "PIL.ImageFilter",
    "PIL.ImageEnhance",
    "os",
    "os.path",
    "xml.etree",
    "xml.etree.ElementTree",
];

/// What is done for a call, by the whole name; the first row whose pattern fits. `*` stands for anything.
pub(super) const CALLS: &[(&str, Reaction)] = &[
    ("os.path.exists", Exists),
    ("os.path.isfile", Exists),
    ("os.path.isdir", Exists),
    ("os.path.join", Path),
    ("os.path.basename", Path),
    ("os.path.dirname", Path),
    ("os.path.split", Path),
    ("os.path.splitext", Path),
    ("os.makedirs", Makes),
    ("os.mkdir", Makes),
    ("os.remove", Nothing),
    ("os.*", Refuse),
    ("PIL.Image.open", Object("PIL.Image.Image")),
    ("PIL.Image.new", Object("PIL.Image.Image")),
    ("PIL.Image.Image.save", Makes),
    ("PIL.Image.Image.show", Nothing),
    ("PIL.Image.Image.close", Nothing),
    ("PIL.Image.Image.load", Nothing),
    ("PIL.Image.Image.verify", Nothing),
    ("PIL.Image.Image.paste", Nothing),
    ("PIL.Image.Image.thumbnail", Nothing),
    ("PIL.Image.Image.crop", Object("PIL.Image.Image")),
    ("PIL.Image.Image.resize", Object("PIL.Image.Image")),
    ("PIL.Image.Image.rotate", Object("PIL.Image.Image")),
    ("PIL.Image.Image.transpose", Object("PIL.Image.Image")),
    ("PIL.Image.Image.convert", Object("PIL.Image.Image")),
    ("PIL.Image.Image.filter", Object("PIL.Image.Image")),
    ("PIL.Image.Image.copy", Object("PIL.Image.Image")),
    ("PIL.Image.Image.*", Refuse),
    ("PIL.ImageDraw.Draw", Object("PIL.ImageDraw.ImageDraw")),
    ("PIL.ImageDraw.ImageDraw.text", Nothing),
    ("PIL.ImageDraw.ImageDraw.line", Nothing),
    ("PIL.ImageDraw.ImageDraw.rectangle", Nothing),
    ("PIL.ImageDraw.ImageDraw.ellipse", Nothing),
    ("PIL.ImageDraw.ImageDraw.polygon", Nothing),
    ("PIL.ImageDraw.ImageDraw.point", Nothing),
    ("PIL.ImageDraw.ImageDraw.arc", Nothing),
    ("PIL.ImageFont.*", Object("PIL.ImageFont.FreeTypeFont")),
    ("PIL.ImageOps.*", Object("PIL.Image.Image")),
    ("PIL.*", Refuse),
    ("matplotlib.pyplot.savefig", Makes),
    ("matplotlib.pyplot.imread", Refuse),
    (
        "matplotlib.pyplot.subplots",
        Objects(&["matplotlib.Figure", "matplotlib.Axes"]),
    ),
    ("matplotlib.pyplot.figure", Object("matplotlib.Figure")),
    ("matplotlib.pyplot.gcf", Object("matplotlib.Figure")),
    ("matplotlib.pyplot.gca", Object("matplotlib.Axes")),
    ("matplotlib.pyplot.subplot", Object("matplotlib.Axes")),
    ("matplotlib.Figure.savefig", Makes),
    ("matplotlib.Figure.add_subplot", Object("matplotlib.Axes")),
    ("matplotlib.*.show", Nothing),
    ("matplotlib.*.close", Nothing),
    // What else it gives is an artist, of which a step sees that it is one.
    ("matplotlib.*", Object("matplotlib.Artist")),
];

/// What reading an attribute gives, by the whole name; the first row that fits.
pub(super) const ATTRIBUTES: &[(&str, Reaction)] = &[
    ("os.path", Object("os.path")),
    ("os.*", Refuse),
    ("PIL.Image.Image.*", Refuse),
    ("matplotlib.pyplot", Object("matplotlib.pyplot")),
    ("matplotlib.patches", Object("matplotlib.patches")),
    ("matplotlib.dates", Object("matplotlib.dates")),
    ("matplotlib.ticker", Object("matplotlib.ticker")),
    ("matplotlib.*", Object("matplotlib.Artist")),
    ("PIL.ImageDraw", Object("PIL.ImageDraw")),
    ("PIL.ImageFont", Object("PIL.ImageFont")),
    ("PIL.ImageOps", Object("PIL.ImageOps")),
    ("PIL.ImageFilter", Object("PIL.ImageFilter")),
    ("PIL.ImageEnhance", Object("PIL.ImageEnhance")),
    ("PIL.Image", Object("PIL.Image")),
    // Constants: LANCZOS, FLIP_LEFT_RIGHT, BLUR.
    ("PIL.*", Object("PIL.Constant")),
];

/// The reaction of the first row that fits.
pub(super) fn reaction(table: &[(&str, Reaction)], name: &str) -> Reaction {
    let fits = |pattern: &str| match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => name == pattern,
    };
    let row = table.iter().find(|(pattern, _)| fits(pattern));
    row.map_or(Refuse, |(_, reaction)| *reaction)
}

/// What did not happen, for the note of a call.
pub(super) fn note(name: &str) -> &'static str {
    match name.split('.').next() {
        Some("matplotlib") => "nothing was drawn",
        Some("PIL") => "no picture was read or changed",
        _ => "no file was touched",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_that_fits_decides() {
        assert_eq!(reaction(CALLS, "os.path.join"), Path);
        assert_eq!(reaction(CALLS, "os.system"), Refuse);
        assert_eq!(reaction(CALLS, "matplotlib.pyplot.show"), Nothing);
        assert_eq!(
            reaction(CALLS, "matplotlib.Axes.plot"),
            Object("matplotlib.Artist")
        );
        assert_eq!(reaction(CALLS, "PIL.Image.Image.getpixel"), Refuse);
        assert_eq!(reaction(ATTRIBUTES, "PIL.Image.Image.size"), Refuse);
        assert_eq!(
            reaction(ATTRIBUTES, "PIL.Image.LANCZOS"),
            Object("PIL.Constant")
        );
        assert_eq!(reaction(CALLS, "numpy.array"), Refuse);
    }

    #[test]
    fn every_row_can_be_reached() {
        for table in [CALLS, ATTRIBUTES] {
            for (row, (pattern, _)) in table.iter().enumerate() {
                let name = pattern.replace('*', "x");
                let first = table
                    .iter()
                    .position(|(other, _)| reaction(&[(other, Nothing)], &name) == Nothing);
                assert_eq!(first, Some(row), "{pattern} is hidden by an earlier row");
            }
        }
    }
}
