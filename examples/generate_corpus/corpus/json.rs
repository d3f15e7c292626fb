//! JSON as Python's `json.dumps(…, ensure_ascii=False)` writes it: indented by four, or on one line.

use super::pair::Pair;
use super::system_prompt::SystemPrompts;
use super::trajectory::Trajectory;

/// How values are laid out.
#[derive(Clone, Copy)]
pub enum Layout {
    /// `indent=4`, inside a top array.
    Indented,
    /// One line.
    Line,
}

/// Appends `text` as the inside of a JSON string.
pub fn escape(text: &str, out: &mut String) {
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\t' => "\\t",
            b'\r' => "\\r",
            _ => continue,
        };
        *out += &text[start..at];
        *out += escaped;
        start = at + 1;
    }
    *out += &text[start..];
}

/// Appends values and keeps track of depth and commas.
struct Writer<'a> {
    out: &'a mut String,
    layout: Layout,
    depth: usize,
    empty: bool,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut String, layout: Layout) -> Self {
        let depth = match layout {
            Layout::Indented => 1,
            Layout::Line => 0,
        };
        Self {
            out,
            layout,
            depth,
            empty: true,
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.depth {
            *self.out += "    ";
        }
    }

    fn item(&mut self) {
        if !self.empty {
            self.out.push(',');
        }
        match self.layout {
            Layout::Indented => self.new_line(),
            Layout::Line if !self.empty => self.out.push(' '),
            Layout::Line => {}
        }
        self.empty = false;
    }

    fn key(&mut self, key: &str) {
        self.item();
        self.out.push('"');
        *self.out += key;
        *self.out += "\": ";
    }

    fn nested(&mut self, brackets: [char; 2], write: impl FnOnce(&mut Self)) {
        self.out.push(brackets[0]);
        self.depth += 1;
        self.empty = true;
        write(self);
        self.depth -= 1;
        if !self.empty && matches!(self.layout, Layout::Indented) {
            self.new_line();
        }
        self.out.push(brackets[1]);
        self.empty = false;
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        escape(text, self.out);
        self.out.push('"');
    }

    /// A string whose inside is escaped already.
    fn escaped_string(&mut self, inside: &str) {
        self.out.push('"');
        *self.out += inside;
        self.out.push('"');
    }

    fn turn(&mut self, from: &str, value: &str) {
        self.item();
        self.nested(['{', '}'], |turn| {
            turn.key("from");
            turn.string(from);
            turn.key("value");
            turn.string(value);
        });
    }
}

/// Appends a record of the Qwen-VL/ShareGPT form.
pub fn trajectory(record: &Trajectory, systems: &SystemPrompts, layout: Layout, out: &mut String) {
    let mut writer = Writer::new(out, layout);
    if matches!(layout, Layout::Indented) {
        writer.new_line();
    }
    writer.nested(['{', '}'], |writer| {
        writer.key("id");
        writer.string(&record.id);
        writer.key("image");
        match record.images.as_slice() {
            [path] => writer.string(path),
            paths => writer.nested(['{', '}'], |writer| {
                for (number, path) in paths.iter().enumerate().rev() {
                    writer.key(&format!("<image_{number:02}>"));
                    writer.string(path);
                }
            }),
        }
        writer.key("correct");
        writer.string("yes");
        writer.key("answer");
        writer.string(&record.answer);
        writer.key("conversations");
        writer.nested(['[', ']'], |writer| {
            writer.item();
            writer.nested(['{', '}'], |turn| {
                turn.key("from");
                turn.string("system");
                turn.key("value");
                turn.escaped_string(systems.escaped(record.system));
            });
            writer.turn("user", &record.task_turn());
            for (number, step) in record.steps.iter().enumerate() {
                writer.turn("assistant", &step.reply);
                if let Some(turn) = step.observation_turn(number) {
                    writer.turn("user", &turn);
                }
            }
        });
        writer.key("traj_verification");
        writer.string(&record.verification);
    });
}

/// Appends a pair of the LLaMA-Factory DPO form.
pub fn pair(pair: &Pair, systems: &SystemPrompts, out: &mut String) {
    let mut writer = Writer::new(out, Layout::Indented);
    writer.new_line();
    writer.nested(['{', '}'], |writer| {
        writer.key("images");
        writer.nested(['[', ']'], |writer| {
            for path in &pair.images {
                writer.item();
                writer.string(path);
            }
        });
        writer.key("conversations");
        writer.nested(['[', ']'], |writer| {
            for (number, value) in pair.context.iter().enumerate() {
                writer.turn(if number % 2 == 0 { "human" } else { "gpt" }, value);
            }
        });
        for (key, candidate) in [("chosen", &pair.chosen), ("rejected", &pair.rejected)] {
            writer.key(key);
            writer.nested(['{', '}'], |writer| {
                writer.key("from");
                writer.string("gpt");
                writer.key("value");
                writer.string(&format!("{}<end_action>", candidate.reply));
                writer.key("observation");
                writer.string(&candidate.observation);
            });
        }
        writer.key("system");
        writer.escaped_string(systems.escaped(pair.system));
    });
}
