//! Whole models: from messages and pictures to text, against what `transformers` answers, and the ways of generating.

use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;
use serde_json::Value;

use super::parity_tests::package;
use super::{
    CandidateOptions, ChatMessage, ChatPart, Completion, Finish, GenerationRequest,
    GenerationStatistics, Generator, Model, ModelError, ModelOptions, PictureSize, Piece, Prompt,
    Quantization, Sampling, Told,
};
use crate::jobs::Progress;

const NAMES: [&str; 3] = ["text", "qwen2_vl", "smolvlm"];

pub(super) fn folder(name: &str) -> PathBuf {
    package().join("tests/reference/runnable").join(name)
}

fn generator(name: &str) -> Generator {
    let progress = Progress::default();
    let model = Model::open(&folder(name), &ModelOptions::default(), &progress).unwrap();
    let (done, total) = progress.amounts();
    assert!(done == total && total > 10);
    Generator::new(Arc::new(model))
}

fn expected(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder(name).join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The messages of a case, and their pictures.
fn conversation(name: &str, case: &Value) -> (Vec<ChatMessage>, Vec<RgbImage>) {
    let mut pictures = Vec::new();
    let mut part = |part: &Value| match part.as_u64() {
        None => ChatPart::Text(part.as_str().unwrap().to_owned()),
        Some(number) => {
            let picture = image::open(folder(name).join(format!("{number}.png"))).unwrap();
            let picture = picture.to_rgb8();
            let (width, height) = picture.dimensions();
            pictures.push(picture);
            ChatPart::Picture(PictureSize { width, height })
        }
    };
    let messages = case["messages"].as_array().unwrap();
    let messages = messages
        .iter()
        .map(|message| ChatMessage {
            role: message["role"].as_str().unwrap().to_owned(),
            content: message["content"]
                .as_array()
                .unwrap()
                .iter()
                .map(&mut part)
                .collect(),
            fields: serde_json::Map::new(),
        })
        .collect();
    (messages, pictures)
}

fn prompt(generator: &Generator, name: &str, case: &Value) -> Prompt {
    let (messages, pictures) = conversation(name, case);
    generator
        .model()
        .chat_prompt(&messages, &[], &pictures)
        .unwrap()
}

pub(super) fn candidate(sampling: Sampling, seed: u64, most: usize) -> CandidateOptions {
    CandidateOptions {
        sampling,
        seed,
        stop: Vec::new(),
        max_tokens: Some(most),
    }
}

fn request(prompt: &Prompt, candidates: Vec<CandidateOptions>) -> GenerationRequest {
    GenerationRequest {
        prompt: prompt.clone(),
        candidates,
        logprobs: None,
    }
}

fn run(
    generator: &mut Generator,
    request: &GenerationRequest,
) -> (Vec<Completion>, GenerationStatistics, Vec<Piece>) {
    let mut pieces = Vec::new();
    let made = generator.generate(request, &Progress::default(), &mut |told| match told {
        Told::Reading { read, total } => {
            assert!(read < total && pieces.is_empty(), "{read} of {total}");
            assert_eq!(total, request.prompt.ids.len());
        }
        Told::Piece(piece) => pieces.push(piece),
    });
    let (completions, statistics) = made.unwrap();
    for (number, completion) in completions.iter().enumerate() {
        let own = pieces.iter().filter(|piece| piece.candidate == number);
        let text: String = own.clone().map(|piece| piece.text.as_str()).collect();
        assert_eq!(text, completion.text);
        let ends: Vec<Finish> = own.filter_map(|piece| piece.finish).collect();
        assert_eq!(ends, [completion.finish]);
    }
    (completions, statistics, pieces)
}

#[test]
fn prompts_and_greedy_answers_are_the_references() {
    for name in NAMES {
        let mut generator = generator(name);
        for case in expected(name) {
            let prompt = prompt(&generator, name, &case);
            assert_eq!(prompt.ids, ids(&case["prompt"]), "{name}");
            let wanted = ids(&case["greedy"]);
            // The reference was told not to end early.
            let end = wanted.iter().position(|id| generator.model().ends(*id));
            assert_eq!(end, None, "{name}: another seed for the fixture");
            let request = request(
                &prompt,
                vec![candidate(Sampling::greedy(), 0, wanted.len())],
            );
            for _ in 0..2 {
                let (made, statistics, _) = run(&mut generator, &request);
                assert_eq!(made[0].ids, wanted, "{name} {statistics:?}");
                assert_eq!(made[0].text, case["text"].as_str().unwrap());
                assert_eq!(made[0].finish, Finish::Length);
            }
        }
    }
}

#[test]
fn texts_of_all_kinds_become_the_tokens_of_the_reference() {
    use crate::model::{ChatTemplate, Tokenizer};
    let (tokenizer, template) = (
        Tokenizer::open(&folder("text")).unwrap(),
        ChatTemplate::open(&folder("text"), false).unwrap(),
    );
    let text = std::fs::read_to_string(folder("text").join("strings_expected.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 200);
    for case in cases {
        let text = case["text"].as_str().unwrap();
        assert_eq!(
            tokenizer.encode(text).unwrap(),
            ids(&case["ids"]),
            "{text:?}"
        );
        let decoded = tokenizer.decode(&ids(&case["ids"])).unwrap();
        assert_eq!(decoded, case["decoded"].as_str().unwrap(), "{text:?}");
        let messages = [ChatMessage::text("user", text)];
        let chat = template.render(&messages, &[], true).unwrap();
        assert_eq!(chat, case["chat"].as_str().unwrap(), "{text:?}");
    }
}

#[test]
fn what_is_known_is_not_read_again() {
    for name in NAMES {
        let mut generator = generator(name);
        let cases = expected(name);
        let case = cases.last().unwrap();
        let prompt = prompt(&generator, name, case);
        let pictures = prompt.pictures.len();
        let greedy = candidate(Sampling::greedy(), 0, 6);
        let (cold, statistics, _) = run(&mut generator, &request(&prompt, vec![greedy.clone()]));
        assert_eq!(
            (statistics.cached_tokens, statistics.seen_pictures),
            (0, pictures)
        );
        let count = prompt.ids.len();
        let (warm, statistics, _) = run(&mut generator, &request(&prompt, vec![greedy.clone()]));
        assert_eq!(
            (statistics.cached_tokens, statistics.seen_pictures),
            (count - 1, 0)
        );
        assert_eq!(warm, cold);
        // The next step: the same context, its answer, and what came of it.
        let mut longer = prompt.clone();
        // A random model may write the token of a picture.
        let written = if name == "text" { 5 } else { 0 };
        if written > 0 {
            longer.ids.extend(&cold[0].ids);
        }
        longer.ids.extend([40, 41, 42]);
        let (next, statistics, _) = run(&mut generator, &request(&longer, vec![greedy.clone()]));
        assert_eq!(statistics.cached_tokens, count + written);
        generator.forget();
        let (again, statistics, _) = run(&mut generator, &request(&longer, vec![greedy]));
        assert_eq!(statistics.cached_tokens, 0);
        assert_eq!(again, next);
    }
}

#[test]
fn another_picture_is_seen_although_its_tokens_are_the_same() {
    let mut generator = generator("qwen2_vl");
    let shown = |byte: u8| RgbImage::from_pixel(56, 56, image::Rgb([byte, 80, 10]));
    let size = PictureSize {
        width: 56,
        height: 56,
    };
    let mut message = ChatMessage::text("user", "What is it?");
    message.content.insert(0, ChatPart::Picture(size));
    let messages = [message];
    let prompt = |generator: &Generator, byte| {
        let model = generator.model();
        model.chat_prompt(&messages, &[], &[shown(byte)]).unwrap()
    };
    let (one, other) = (prompt(&generator, 0), prompt(&generator, 255));
    assert_eq!(one.ids, other.ids);
    let mut logprobs = |prompt: &Prompt| {
        let mut request = request(prompt, vec![candidate(Sampling::greedy(), 0, 1)]);
        request.logprobs = Some(3);
        let (made, statistics, _) = run(&mut generator, &request);
        (made[0].logprobs[0].top.clone(), statistics)
    };
    let (first, _) = logprobs(&one);
    let (second, statistics) = logprobs(&other);
    assert_ne!(first, second);
    assert_eq!(statistics.seen_pictures, 1);
    let (third, statistics) = logprobs(&one);
    // Its last token alone is read again, which rounds otherwise.
    for ((id, logprob), (again, later)) in first.iter().zip(&third) {
        assert!(
            id == again && (logprob - later).abs() < 1e-4,
            "{first:?} {third:?}"
        );
    }
    assert_eq!(statistics.cached_tokens, one.ids.len() - 1);
    assert_eq!(statistics.seen_pictures, 0);
    // Behind another beginning its embedding is still known.
    let mut later = one.clone();
    later.ids.insert(0, 40);
    let (_, statistics) = logprobs(&later);
    assert_eq!((statistics.cached_tokens, statistics.seen_pictures), (0, 0));
}

#[test]
fn conversations_that_take_turns_are_read_once() {
    let mut generator = generator("text");
    let case = expected("text").remove(0);
    let begin = prompt(&generator, "text", &case).ids;
    let conversation = |end: &[u32]| Prompt {
        ids: [begin.as_slice(), end].concat(),
        pictures: Vec::new(),
    };
    let greedy = candidate(Sampling::greedy(), 0, 4);
    let mut cached = |prompt: &Prompt| {
        let (_, statistics, _) = run(&mut generator, &request(prompt, vec![greedy.clone(); 2]));
        statistics.cached_tokens
    };
    let (one, other) = (conversation(&[40, 41, 42]), conversation(&[50, 51, 52, 53]));
    assert_eq!(cached(&one), 0);
    // What both begin with is taken from the other.
    assert_eq!(cached(&other), begin.len());
    for longer in [&[60, 61][..], &[62], &[63, 64, 65]] {
        for prompt in [&one, &other] {
            let mut next = prompt.clone();
            next.ids.extend(longer);
            assert_eq!(cached(&next), prompt.ids.len());
        }
    }
}

#[test]
fn reading_stops_between_layers_and_what_was_read_stays_good() {
    let mut generator = generator("text");
    let case = expected("text").remove(0);
    let prompt = prompt(&generator, "text", &case);
    let stopped = Progress::default();
    stopped.cancel();
    let model = Arc::clone(generator.model());
    let network = model.network();
    let layout = network.layout(&prompt.ids, &[]).unwrap();
    let mut cache = network.cache(1, prompt.ids.len());
    let input = || network.input(&prompt.ids, &layout, 0, prompt.ids.len(), &[]);
    let read = network.read(input(), &mut cache, &stopped);
    assert!(matches!(read, Err(ModelError::Cancelled(_))), "{read:?}");
    assert_eq!(cache.length(), 0);
    network
        .read(input(), &mut cache, &Progress::default())
        .unwrap();
    assert_eq!(cache.length(), prompt.ids.len());
    let request = request(&prompt, vec![candidate(Sampling::greedy(), 0, 20)]);
    let made = generator.generate(&request, &stopped, &mut |_| {});
    assert!(matches!(made, Err(ModelError::Cancelled(_))), "{made:?}");
    assert_eq!(run(&mut generator, &request).0[0].ids, ids(&case["greedy"]));
}

/// Weights of 8 bits are off by up to half a step of 127 in the largest of their block; what comes of them differs by little, and does
/// not depend on the cache or the batch.
#[test]
fn weights_of_eight_bits_answer_nearly_as_whole_ones() {
    let open = |quantization| {
        let options = ModelOptions {
            quantization,
            ..ModelOptions::default()
        };
        Model::open(&folder("text"), &options, &Progress::default()).unwrap()
    };
    let (whole, packed) = (open(None), open(Some(Quantization::Q8)));
    // Records name the backend, and that tells how the weights were kept.
    assert_eq!(Quantization::of_backend(&whole.backend()), None);
    assert_eq!(
        Quantization::of_backend(&packed.backend()),
        Some(Quantization::Q8)
    );
    assert_eq!(Quantization::of_backend("flex f32, weights q1"), None);
    let case = expected("text").remove(1);
    let tokens = [ids(&case["prompt"]), ids(&case["greedy"])].concat();
    let logits = |model: &Model, cuts: &[usize]| {
        let network = model.network();
        let layout = network.layout(&tokens, &[]).unwrap();
        let mut cache = network.cache(1, tokens.len());
        let (mut all, mut start) = (Vec::new(), 0);
        for end in cuts.iter().copied().chain([tokens.len()]) {
            let input = network.input(&tokens, &layout, start, end, &[]);
            let part = network.forward(input, &mut cache).into_data();
            all.extend(part.try_into_vec_as::<f32>().unwrap());
            start = end;
        }
        all
    };
    let (wanted, got) = (logits(&whole, &[]), logits(&packed, &[]));
    let apart = |one: &[f32], other: &[f32]| {
        assert_eq!(one.len(), other.len());
        let pairs = one.iter().zip(other);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let largest = wanted
        .iter()
        .fold(0.0_f32, |most, logit| most.max(logit.abs()));
    let mean = wanted
        .iter()
        .zip(&got)
        .map(|(a, b)| (a - b).abs())
        .sum::<f32>()
        / got.len() as f32;
    let most = apart(&wanted, &got);
    assert!(
        mean > 0.0 && mean < 0.02 * largest && most < 0.1 * largest,
        "{mean} on average, at most {most}, of {largest}"
    );
    // Many rows go another way through the weights than few; token by token all is as at once.
    let cuts: Vec<usize> = (tokens.len() - 12..tokens.len()).collect();
    assert!(tokens.len() > 50);
    assert!(apart(&got, &logits(&packed, &cuts)) < 1e-4);
    // A batch is what each of its rows is alone.
    let prompt = Prompt {
        ids: ids(&case["prompt"]),
        pictures: Vec::new(),
    };
    let mut generator = Generator::new(Arc::new(packed));
    let candidates: Vec<_> = (0..5)
        .map(|seed| candidate(Sampling::default(), seed, 12))
        .collect();
    let (together, _, _) = run(&mut generator, &request(&prompt, candidates.clone()));
    for (candidate, together) in candidates.into_iter().zip(together) {
        let (alone, _, _) = run(&mut generator, &request(&prompt, vec![candidate]));
        assert_eq!(alone[0].ids, together.ids);
    }
}

#[test]
fn candidates_have_their_own_seed_temperature_and_end() {
    let mut generator = generator("text");
    let case = expected("text").remove(0);
    let prompt = prompt(&generator, "text", &case);
    let warm = Sampling::default();
    let candidates = vec![
        candidate(warm, 1, 12),
        candidate(warm, 2, 12),
        candidate(Sampling::greedy(), 3, 5),
        candidate(warm, 1, 12),
        candidate(warm, 4, 1),
        candidate(warm, 4, 0),
    ];
    let (made, statistics, _) = run(&mut generator, &request(&prompt, candidates.clone()));
    let lengths: Vec<usize> = made.iter().map(|made| made.ids.len()).collect();
    assert_eq!(lengths[2..], [5, 12, 1, 0]);
    assert_eq!(statistics.new_tokens, lengths.iter().sum::<usize>());
    assert_eq!(made[0].ids, made[3].ids, "one seed, one candidate");
    assert_ne!(made[0].ids, made[1].ids, "another seed, another candidate");
    assert_eq!(made[2].ids, ids(&case["greedy"])[..5]);
    // Alone each is what it is among others.
    for (candidate, together) in candidates.into_iter().zip(&made) {
        let (alone, _, _) = run(&mut generator, &request(&prompt, vec![candidate]));
        assert_eq!(alone[0].ids, together.ids);
    }
}

#[test]
fn a_stop_ends_its_own_candidate() {
    let mut generator = generator("text");
    let case = expected("text").remove(0);
    let prompt = prompt(&generator, "text", &case);
    let text = case["text"].as_str().unwrap();
    // Three characters from the middle.
    let middle: Vec<char> = text.chars().skip(8).take(3).collect();
    let stop: String = middle.into_iter().collect();
    let first = text.find(&stop).unwrap();
    let mut stopped = candidate(Sampling::greedy(), 0, 20);
    stopped.stop = vec!["never".to_owned(), stop];
    let whole = candidate(Sampling::greedy(), 0, 20);
    let (made, _, _) = run(&mut generator, &request(&prompt, vec![stopped, whole]));
    assert_eq!(
        (made[0].text.as_str(), made[0].finish),
        (&text[..first], Finish::Stop)
    );
    assert_eq!(
        (made[1].text.as_str(), made[1].finish),
        (text, Finish::Length)
    );
    assert!(made[0].ids.len() < made[1].ids.len());
}

#[test]
fn requests_that_cannot_be_met_are_refused() {
    let mut generator = generator("text");
    let tokens = generator.model().context();
    assert_eq!(tokens, 512);
    let prompt = |count: usize| Prompt {
        ids: vec![20; count],
        pictures: Vec::new(),
    };
    let mut refused = |prompt: Prompt, candidates: Vec<CandidateOptions>| {
        let request = request(&prompt, candidates);
        let made = generator.generate(&request, &Progress::default(), &mut |_| {});
        made.unwrap_err().to_string()
    };
    let greedy = |most| candidate(Sampling::greedy(), 0, most);
    let error = refused(prompt(500), vec![greedy(20)]);
    assert!(
        error.contains("500 tokens") && error.contains("8 more than the 512"),
        "{error}"
    );
    assert!(refused(prompt(0), vec![greedy(1)]).contains("empty"));
    assert!(refused(prompt(1), Vec::new()).contains("0 candidates"));
    let hot = Sampling {
        top_p: 0.0,
        ..Sampling::default()
    };
    assert!(refused(prompt(1), vec![candidate(hot, 0, 1)]).contains("top_p is 0"));
    let unknown = Prompt {
        ids: vec![9999],
        pictures: Vec::new(),
    };
    assert!(refused(unknown, vec![greedy(1)]).contains("token 9999"));
    // After all that it still works, to the last token of the context.
    let mut most = greedy(1);
    most.max_tokens = None;
    let (made, _, _) = run(&mut generator, &request(&prompt(509), vec![most]));
    assert!(made[0].ids.len() == 3 || made[0].finish == Finish::Stop);
}

#[test]
fn a_model_of_text_refuses_pictures() {
    let generator = generator("text");
    let mut message = ChatMessage::text("user", "x");
    let size = PictureSize {
        width: 8,
        height: 8,
    };
    message.content.push(ChatPart::Picture(size));
    let shown = RgbImage::new(8, 8);
    let made = generator.model().chat_prompt(&[message], &[], &[shown]);
    assert!(matches!(made, Err(ModelError::NoPictures)), "{made:?}");
}

#[test]
fn the_smallest_and_the_longest_pictures_are_seen_or_refused() {
    for name in ["qwen2_vl", "smolvlm"] {
        let mut generator = generator(name);
        for (width, height) in [(1, 1), (1, 180), (3000, 2), (900, 900), (0, 5)] {
            let mut message = ChatMessage::text("user", "x");
            let size = PictureSize { width, height };
            message.content.push(ChatPart::Picture(size));
            let shown = RgbImage::from_pixel(width, height, image::Rgb([9, 90, 200]));
            let made = generator.model().chat_prompt(&[message], &[], &[shown]);
            let prompt = match made {
                Ok(prompt) => prompt,
                Err(error) => {
                    let told = error.to_string();
                    assert!(told.contains(&format!("{width} × {height}")), "{told}");
                    assert!(width != height, "{name} {width}: {told}");
                    continue;
                }
            };
            let request = request(&prompt, vec![candidate(Sampling::greedy(), 0, 1)]);
            let made = generator.generate(&request, &Progress::default(), &mut |_| {});
            match made {
                Ok((made, _)) => assert_eq!(made[0].ids.len(), 1),
                Err(error) => assert!(matches!(error, ModelError::Context { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn it_stops_within_one_token() {
    let mut generator = generator("text");
    let case = expected("text").remove(0);
    let prompt = prompt(&generator, "text", &case);
    let request = request(&prompt, vec![candidate(Sampling::greedy(), 0, 20); 2]);
    let progress = Progress::default();
    let mut pieces = 0;
    let made = generator.generate(&request, &progress, &mut |told| {
        pieces += usize::from(matches!(told, Told::Piece(_)));
        if pieces == 5 {
            progress.cancel();
        }
    });
    assert!(matches!(made, Err(ModelError::Cancelled(_))), "{made:?}");
    assert!(pieces <= 6, "{pieces}");
    // What was read is still known.
    let greedy = candidate(Sampling::greedy(), 0, 20);
    let again = GenerationRequest {
        candidates: vec![greedy],
        ..request
    };
    let (made, statistics, _) = run(&mut generator, &again);
    assert_eq!(made[0].ids, ids(&case["greedy"]));
    assert_eq!(statistics.cached_tokens, prompt.ids.len() - 1);
}

#[test]
fn an_adapter_changes_what_the_reference_says_it_changes() {
    let adapter = folder("text").join("../../adapter");
    let expected = std::fs::read_to_string(adapter.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let options = ModelOptions {
        adapter: Some(adapter),
        ..ModelOptions::default()
    };
    let model = Model::open(&folder("text"), &options, &Progress::default()).unwrap();
    let prompt = Prompt {
        ids: ids(&expected["prompt"]),
        pictures: Vec::new(),
    };
    let request = request(&prompt, vec![candidate(Sampling::greedy(), 0, 20)]);
    let (made, _, _) = run(&mut Generator::new(Arc::new(model)), &request);
    assert_eq!(made[0].ids, ids(&expected["greedy"]));
    // For another model it is refused, tensor by tensor.
    let other = Model::open(&folder("qwen2_vl"), &options, &Progress::default());
    let error = other.unwrap_err().to_string();
    assert!(
        error.contains("lora_embedding_A") && error.contains("[3, 407]"),
        "{error}"
    );
}
