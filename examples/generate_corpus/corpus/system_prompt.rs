//! The system prompts: one text of about 13,300 characters in 31 variations, as in the published data.

use super::json;
use super::prose::Prose;
use super::random::Random;
use super::tool::DESCRIPTIONS;
use super::vocabulary::Vocabulary;

const TEMPLATE: &str = include_str!("system_prompt.txt");
const COUNT: usize = 31;
/// Characters of the shortest and of the longest prompt (paper §5, measured).
const LENGTH: (usize, usize) = (13_246, 13_314);
const IMPORTS: &[&str] = &[
    "bs4",
    "collections",
    "csv",
    "cv2",
    "datetime",
    "fractions",
    "io",
    "itertools",
    "json",
    "math",
    "matplotlib",
    "numpy",
    "os",
    "pandas",
    "pickle",
    "PIL",
    "pptx",
    "pydub",
    "PyPDF2",
    "queue",
    "random",
    "re",
    "requests",
    "scipy",
    "sklearn",
    "stat",
    "statistics",
    "sympy",
    "time",
    "torch",
    "unicodedata",
    "xml",
    "zipfile",
];

/// The distinct system prompts.
pub struct SystemPrompts {
    escaped: Vec<String>,
}

impl SystemPrompts {
    /// The prompts of a seed.
    pub fn new(vocabulary: &Vocabulary, seed: u64) -> Self {
        let mut random = Random::new(seed, u64::MAX - 1);
        let prose = Prose::new(vocabulary, &mut random);
        // The examples' long results are the same in all of them.
        let shortest = prompt(&mut Random::new(seed, 0), 0, ["", ""])
            .chars()
            .count();
        let missing = LENGTH.0.saturating_sub(shortest);
        let mut filler = |length: usize| {
            let text = prose.text(&mut random, length + 1);
            text.chars().take(length).collect::<String>()
        };
        let fillers = [filler(missing / 3), filler(missing - missing / 3)];
        let escaped = (0..COUNT).map(|variation| {
            let text = prompt(&mut random, variation, [&fillers[0], &fillers[1]]);
            debug_assert!((LENGTH.0..=LENGTH.1).contains(&text.chars().count()));
            let mut escaped = String::with_capacity(text.len() + 1024);
            json::escape(&text, &mut escaped);
            escaped
        });
        Self {
            escaped: escaped.collect(),
        }
    }

    /// The inside of the prompt's JSON string.
    pub fn escaped(&self, number: usize) -> &str {
        &self.escaped[number]
    }

    /// One of the prompts; a few of them are much more common than the rest.
    pub fn draw(random: &mut Random) -> usize {
        (random.unit().powi(2) * COUNT as f64) as usize
    }
}

/// They differ in the order of the imports, in one spelling and in a few output types.
fn prompt(random: &mut Random, variation: usize, fillers: [&str; 2]) -> String {
    let mut imports = IMPORTS.to_vec();
    random.shuffle(&mut imports);
    let imports = format!("['{}']", imports.join("', '"));
    let mut tools = String::new();
    for (number, (name, description, inputs, output)) in DESCRIPTIONS.iter().enumerate() {
        if number > 0 {
            tools += "\n\n";
        }
        tools += &format!("- {name}: {description}\n    Takes inputs: {inputs}");
        let output = if variation % DESCRIPTIONS.len() == number {
            "any"
        } else {
            output
        };
        tools += &format!(" and returns an output of type: {output}");
    }
    if variation % 3 == 1 {
        tools = tools.replace("instance segmentation", "instantce segmentation");
    }
    TEMPLATE
        .replace("{{first}}", fillers[0])
        .replace("{{second}}", fillers[1])
        .replace("{{tools}}", &tools)
        .replace("{{imports}}", &imports)
}
