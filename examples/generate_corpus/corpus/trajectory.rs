//! One trajectory of M-TRACE's kind, as a function of the corpus' seed, its number and its count of steps.

use super::attachment;
use super::code;
use super::observation;
use super::prose::Prose;
use super::random::Random;
use super::system_prompt::SystemPrompts;
use super::tool::ATTACHMENTS;
use super::vocabulary::Vocabulary;

/// A generated trajectory.
pub struct Trajectory {
    pub id: String,
    /// The number of its system prompt.
    pub system: usize,
    /// Pictures, in the order of the task.
    pub images: Vec<String>,
    /// All attached files as the task names them: under another root than `images`.
    attached: Vec<String>,
    attachment_mark: &'static str,
    question: String,
    pub steps: Vec<Step>,
    pub answer: String,
    pub verification: String,
}

/// A step; the last one has no observation.
pub struct Step {
    pub reply: String,
    pub observation: Option<Observation>,
}

/// What a step printed.
pub struct Observation {
    pub text: String,
    pub is_error: bool,
}

/// How a controller writes its replies.
#[derive(Clone, Copy)]
enum Style {
    Plain,
    Bold,
    Preamble,
    Thoughtless,
}

const STYLES: &[(Style, f64)] = &[
    (Style::Plain, 0.76),
    (Style::Bold, 0.06),
    (Style::Preamble, 0.11),
    (Style::Thoughtless, 0.07),
];

/// What becomes of a step's code.
#[derive(Clone, Copy)]
enum Outcome {
    Printed,
    Unparsed,
    Failed,
    Refused,
}

const OUTCOMES: &[(Outcome, f64)] = &[
    (Outcome::Printed, 0.87),
    (Outcome::Unparsed, 0.09),
    (Outcome::Failed, 0.02),
    (Outcome::Refused, 0.02),
];

impl Trajectory {
    /// The trajectory with this number.
    pub fn new(vocabulary: &Vocabulary, seed: u64, number: u64, steps: usize) -> Self {
        let random = &mut Random::new(seed, number);
        let prose = Prose::new(vocabulary, random);
        let attachment = random.weighted(ATTACHMENTS);
        let (images, attached) = attachment::files(attachment, random);
        let style = random.weighted(STYLES);
        let uses_tools = random.chance(0.83);

        let mut written = Vec::with_capacity(steps);
        for _ in 1..steps {
            let path = attached
                .get(random.below(attached.len().max(1)))
                .map_or("", String::as_str);
            let tool = (uses_tools && random.chance(0.85)).then(|| attachment.tool(random));
            let mut code = match tool {
                Some(tool) => code::call(tool, path, &prose, random),
                None => code::computation(&prose, random),
            };
            let text = match random.weighted(OUTCOMES) {
                Outcome::Printed => {
                    if let Some(tool) = tool {
                        code.printed += &observation::result(tool, &prose, random);
                    }
                    let reply = reply(style, &code.python, &prose, random);
                    written.push(Step::printed(reply, code.printed));
                    continue;
                }
                Outcome::Unparsed => {
                    let length = random.length(420.0, 0.5, 80, 3_000);
                    let reply = format!("Thought: {}", prose.text(random, length));
                    written.push(Step::failed(reply, observation::UNPARSED.to_owned()));
                    continue;
                }
                Outcome::Failed => observation::execution_error(&code.python, random),
                Outcome::Refused => observation::service_error(random),
            };
            written.push(Step::failed(
                reply(style, &code.python, &prose, random),
                text,
            ));
        }
        let (python, answer) = code::answer(&prose, random);
        written.push(Step {
            reply: reply(style, &python, &prose, random),
            observation: None,
        });

        Self {
            id: id(seed, number),
            system: SystemPrompts::draw(random),
            images,
            attached,
            attachment_mark: random.pick(&["\n Attachment: ", "\n Attachment: ", "\nAttachment: "]),
            question: question(&prose, random),
            steps: written,
            answer,
            verification: verification(&prose, random),
        }
    }

    /// The task with its attachments, without pictures.
    pub fn task(&self) -> String {
        if self.attached.is_empty() {
            return format!("{}\n", self.question);
        }
        format!(
            "{}{}{}; ",
            self.question,
            self.attachment_mark,
            self.attached.join("; ")
        )
    }

    /// A line for each picture.
    pub fn picture_list(&self) -> String {
        let lines = self.images.iter().enumerate();
        lines
            .map(|(number, path)| format!("Picture {}: <img>{path}</img>\n", number + 1))
            .collect()
    }

    /// The first user turn.
    pub fn task_turn(&self) -> String {
        format!("{}Task: {}", self.picture_list(), self.task())
    }
}

impl Step {
    fn printed(reply: String, text: String) -> Self {
        Self {
            reply,
            observation: Some(Observation {
                text,
                is_error: false,
            }),
        }
    }

    fn failed(reply: String, text: String) -> Self {
        Self {
            reply,
            observation: Some(Observation {
                text,
                is_error: true,
            }),
        }
    }

    /// The user turn that follows the step.
    pub fn observation_turn(&self, number: usize) -> Option<String> {
        let observation = self.observation.as_ref()?;
        Some(if observation.is_error {
            format!(
                "[OUTPUT OF STEP {number}] Error: {}\nNow let's retry: take care not to repeat previous errors! If \
                 you have retried several times, try a completely different approach.\n",
                observation.text
            )
        } else {
            format!(
                "[OUTPUT OF STEP {number}] Observation:\n{}\n",
                observation.text
            )
        })
    }
}

fn reply(style: Style, python: &str, prose: &Prose, random: &mut Random) -> String {
    let length = random.length(290.0, 0.7, 40, 2_800);
    let thought = prose.text(random, length);
    match style {
        Style::Plain => format!("Thought: {thought}\n\nCode:\n```py\n{python}\n```"),
        Style::Bold => format!("**Thought:** {thought}\n\n**Code:**\n```py\n{python}\n```"),
        Style::Preamble => {
            let mut preamble = String::new();
            prose.sentence(random, &mut preamble);
            format!("{preamble}\n\nThought: {thought}\n\nCode:\n```py\n{python}\n```")
        }
        Style::Thoughtless => format!("{thought}\n\n```py\n{python}\n```"),
    }
}

fn question(prose: &Prose, random: &mut Random) -> String {
    let opening = random.pick(&[
        "What is the",
        "How many",
        "Please find the",
        "Can you identify the",
        "Which of the",
        "Compare the",
        "Calculate the total",
        "Create a chart of the",
    ]);
    let words = random.length(11.0, 0.5, 3, 60);
    format!(
        "{opening} {} {}?",
        prose.topic_word(random),
        prose.phrase(random, words)
    )
}

/// The verdict, in the four ways in which it comes (paper §5).
fn verification(prose: &Prose, random: &mut Random) -> String {
    let length = random.between(200, 420);
    let thought = prose.text(random, length).replace('\n', " ");
    let verdict = format!("{{\n\"thought\": \"{thought}\",\n\"correct\": \"yes\"\n}}");
    match random.below(94) {
        0..45 => format!("'''\n### start json\n{verdict}\n### end json\n'''"),
        45..86 => format!("```json\n{verdict}\n```"),
        86..92 => verdict,
        _ => format!("```\n{verdict}\n```"),
    }
}

/// Eight characters that are unique in a corpus: the number, scrambled by a bijection of 48 bits.
fn id(seed: u64, number: u64) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mask = (1_u64 << 48) - 1;
    let mut bits = (number ^ (seed << 20)).wrapping_mul(0x5851_f42d_4c95) & mask;
    bits = (bits ^ (bits >> 24)).wrapping_mul(0x9e37_79b9_7f4b) & mask;
    (0..8)
        .map(|place| char::from(letters[(bits >> (6 * place)) as usize & 63]))
        .collect()
}
