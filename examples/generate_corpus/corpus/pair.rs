//! Preference pairs over the trajectories' own steps: the recorded step against one of four ways of going wrong.

use super::code;
use super::prose::Prose;
use super::random::Random;
use super::trajectory::Trajectory;
use super::vocabulary::Vocabulary;

/// A generated pair.
pub struct Pair {
    pub images: Vec<String>,
    /// Human and controller turns, in turn; the first and the last are human.
    pub context: Vec<String>,
    pub chosen: Candidate,
    pub rejected: Candidate,
    /// The number of the system prompt.
    pub system: usize,
}

/// One side of a pair.
pub struct Candidate {
    pub reply: String,
    pub observation: String,
}

impl Pair {
    /// The pair for a step of a trajectory.
    pub fn new(
        vocabulary: &Vocabulary,
        seed: u64,
        trajectory: &Trajectory,
        number: u64,
        step: usize,
    ) -> Self {
        let random = &mut Random::new(!seed, number);
        let marks = "<image>".repeat(trajectory.images.len());
        let first = format!(
            "{marks}\nTask: {}{}",
            trajectory.picture_list(),
            trajectory.task()
        );
        let mut context = vec![first];
        for (earlier, taken) in trajectory.steps[..step].iter().enumerate() {
            context.push(format!("{}<end_action>", taken.reply));
            context.extend(taken.observation_turn(earlier));
        }
        let taken = &trajectory.steps[step];
        let observation = match &taken.observation {
            Some(observation) => observation.text.clone(),
            None => format!("Final Answer: {}", trajectory.answer),
        };
        Self {
            images: trajectory.images.clone(),
            context,
            rejected: rejected(vocabulary, random, &taken.reply),
            chosen: Candidate {
                reply: taken.reply.clone(),
                observation,
            },
            system: trajectory.system,
        }
    }
}

fn rejected(vocabulary: &Vocabulary, random: &mut Random, chosen: &str) -> Candidate {
    let prose = Prose::new(vocabulary, random);
    let thought = prose.text(random, 200);
    match random.below(4) {
        0 if chosen.contains("(\"") => Candidate {
            reply: chosen.replacen("(\"", "((\"", 1),
            observation: "Code execution failed due to the following error:\nSyntaxError: '(' was never closed"
                .to_owned(),
        },
        0 | 1 => {
            let (python, answer) = code::answer(&prose, random);
            Candidate {
                reply: format!("Thought: The answer is known without a tool.\n\nCode:\n```py\n{python}\n```"),
                observation: format!("Final Answer: {answer}"),
            }
        }
        2 => {
            let code = code::computation(&prose, random);
            Candidate {
                reply: format!("Thought: {thought}\n\nCode:\n```py\n{}\n```", code.python),
                observation: code.printed,
            }
        }
        _ => Candidate {
            reply: format!("Thought: {thought}\n\n```py\nanswer = ask_search_agent(\"what is it?\")\n```"),
            observation: "Error in code parsing: no 'Code:' sequence in the reply".to_owned(),
        },
    }
}
