//! The commands, as a person types them.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use serde_json::Value;

const QUESTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/audio/question.wav");
const TRANSCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/transcripts/03_barge_in.jsonl");

fn realtime() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_realtime"));
    for name in ["OPENAI_API_KEY", "OPENAI_BASE_URL"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    realtime().args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The output of a command that succeeds.
fn good<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    stdout(&output).to_owned()
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("realtime-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A command that serves, with the URL that it printed, and the rest of its output.
struct Serving(Child, String, BufReader<ChildStdout>);

impl Serving {
    fn new<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut child = realtime().args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        Self(child, line.trim().to_owned(), stdout)
    }

    /// Ends it by a signal, and returns its exit code and the rest of its output.
    #[cfg(unix)]
    fn interrupt(mut self) -> (Option<i32>, String) {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap();
        let mut rest = String::new();
        self.2.read_to_string(&mut rest).unwrap();
        (self.0.wait().unwrap().code(), rest)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn chat_answers_in_text_and_in_json() {
    assert_eq!(good(["chat", "Hello", "there"]), "You said: Hello there\n");
    let answer: Value = serde_json::from_str(&good(["--json", "chat", "Hello"])).unwrap();
    assert_eq!(answer["answer"], "You said: Hello");
    assert_eq!(answer["status"], "completed");
    assert_eq!(good(["chat"]), "");
}

#[test]
fn speech_goes_in_and_out() {
    let folder = Folder::new("speech");
    let (spoken, answer) = (folder.file("spoken.wav"), folder.file("answer.wav"));
    good(["say", "--out", &spoken, "Please tell me a story, a long one with many words"]);
    assert!(fs::metadata(&spoken).unwrap().len() > 10_000);
    assert!(good(["talk", "--in", QUESTION, "--out", &answer]).contains("You said:"));
    assert!(fs::metadata(&answer).unwrap().len() > 10_000);
    let captions = good(["transcribe", "--srt", QUESTION]);
    assert!(captions.starts_with("1\n00:00:0") && captions.contains("Please tell me a story."), "{captions}");
    assert!(good(["transcribe", "--vtt", QUESTION]).starts_with("WEBVTT"));
    assert_eq!(good(["transcribe", QUESTION]), "Please tell me a story.\n");
    assert!(good(["translate", "--to", "es", QUESTION]).contains("Cuéntame"));
}

#[test]
#[cfg(unix)]
fn speech_is_written_to_a_pipe() {
    let folder = Folder::new("pipe");
    let pipe = folder.file("speech");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut say = realtime().args(["say", "--out", &pipe, "Good morning"]).stdout(Stdio::null()).spawn().unwrap();
    let heard = fs::read(&pipe).unwrap().len();
    if heard < 10_000 {
        say.kill().unwrap();
    }
    assert!(say.wait().unwrap().success() && heard > 10_000, "{heard} bytes");
}

#[test]
fn a_recorded_session_is_inspected_drawn_and_replayed() {
    let folder = Folder::new("recorded");
    let (session, page) = (folder.file("session.jsonl"), folder.file("session.html"));
    good(["chat", "--record", &session, "Hello"]);
    assert!(good(["inspect", &session]).contains("response.done"));
    fs::write(&page, good(["timeline", &session])).unwrap();
    assert!(fs::read_to_string(&page).unwrap().contains("You said: Hello"));
    let replay = Serving::new(["replay", "--instant", &session]);
    assert_eq!(good(["chat", "--base-url", &replay.1, "Hello"]), "You said: Hello\n");
    #[cfg(unix)]
    assert_eq!(replay.interrupt().0, Some(0));
}

#[test]
fn every_event_of_a_transcript_is_listed() {
    let lines = fs::read_to_string(TRANSCRIPT).unwrap().lines().count();
    let listed = good(["--json", "inspect", TRANSCRIPT]);
    assert_eq!(listed.lines().count(), lines);
    let state: Value = serde_json::from_str(&good(["--json", "inspect", "--state", TRANSCRIPT])).unwrap();
    assert_eq!(state["items"].as_array().unwrap().len(), 7);
}

#[test]
fn a_load_is_measured_and_plotted() {
    let folder = Folder::new("load");
    let plot = folder.file("load.svg");
    let serve = Serving::new(["serve", "--pace", "instant"]);
    let report = good(["--json", "load", &serve.1, "--sessions", "3", "--wav", QUESTION, "--plot", &plot]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["completed"], 3);
    assert_eq!(report["times"]["first_audio_ms"]["count"], 3);
    assert!(fs::read_to_string(&plot).unwrap().contains("first audio"));
    let failed = run(["load", "http://127.0.0.1:1/v1", "--sessions", "2", "--wav", QUESTION]);
    assert_eq!(failed.status.code(), Some(5));
    assert!(stdout(&failed).contains("2 failed: "), "{}", stdout(&failed));
}

#[test]
fn sessions_are_relayed_and_recorded() {
    let folder = Folder::new("relay");
    let (key, session) = (folder.file("key"), folder.file("session.jsonl"));
    fs::write(&key, "gw-key-of-this-test\n").unwrap();
    let relay = Serving::new(["relay", "--accept-key-file", &key, "--record", &session]);
    assert_eq!(good(["chat", "--base-url", &relay.1, "--key-file", &key, "Hello"]), "You said: Hello\n");
    let refused = run(["chat", "--base-url", &relay.1, "Hello"]);
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    #[cfg(unix)]
    {
        let (code, summary) = relay.interrupt();
        assert_eq!(code, Some(0));
        assert!(summary.starts_with("1 session, 1 response, 0 errors, "), "{summary}");
    }
    assert!(good(["inspect", &session]).contains("response.done"));
    assert!(!fs::read_to_string(session).unwrap().contains("gw-key-of-this-test"));
    let open = run(["relay", "--listen", "0.0.0.0:0"]);
    assert_eq!(open.status.code(), Some(2));
}

#[test]
fn a_session_is_recorded_from_a_file_or_from_other_clients() {
    let folder = Folder::new("record");
    let (asked, passed) = (folder.file("asked.jsonl"), folder.file("passed.jsonl"));
    assert!(good(["record", &asked, "--in", QUESTION]).contains("You said:"));
    assert!(good(["inspect", &asked]).contains("input_audio_buffer.speech_started"));
    let recording = Serving::new(["record", &passed, "--listen", "127.0.0.1:0"]);
    good(["chat", "--base-url", &recording.1, "Hello"]);
    #[cfg(unix)]
    assert_eq!(recording.interrupt().0, Some(0));
    assert!(good(["inspect", &passed]).contains("response.done"));
    for wrong in [&["record"][..], &["record", &passed, "--listen", "127.0.0.1:0", "--in", QUESTION]] {
        assert_eq!(run(wrong.iter().copied()).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(run(["record", "/nowhere/session.jsonl", "--in", QUESTION]).status.code(), Some(1));
}

#[test]
fn a_server_is_checked_case_by_case() {
    let cases = good(["--json", "check"]);
    let cases: Vec<Value> = cases.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() > 10 && cases.iter().all(|case| case["found"] == "holds"), "{cases:?}");
    let output = run(["check", "ws://127.0.0.1:1/v1", "--timeout", "2"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(stdout(&output).contains("DEVIATES"), "{}", stdout(&output));
}

#[test]
fn calls_and_keys_are_refused_or_made() {
    assert!(good(["secret"]).starts_with("ek_"));
    assert_eq!(run(["call", "hangup", "rtc_unknown"]).status.code(), Some(3));
    assert_eq!(run(["call", "hangup", ".."]).status.code(), Some(2));
}

/// Wrong input: the exit code, and a part of the only line that is printed.
#[test]
fn failures_are_one_line_and_an_exit_code() {
    let missing = Path::new(QUESTION).with_file_name("missing.wav");
    let missing = missing.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 12] = [
        (&["chat", "--base-url", "http://127.0.0.1:1/v1", "Hello"], 4, "could not be reached"),
        (&["chat", "--base-url", "no address", "Hello"], 2, "URL"),
        (&["talk", "--in", missing], 1, "missing.wav"),
        (&["transcribe", TRANSCRIPT], 1, "not a WAV file"),
        (&["inspect", QUESTION], 1, "not an event"),
        (&["timeline", "/dev/null"], 1, "no events"),
        (&["replay", TRANSCRIPT], 1, "cassette"),
        (&["chat", "--key-file", "/dev/null", "Hello"], 2, "has to contain the key"),
        (&["check", "no address"], 2, "URL"),
        (&["say", "--out", "/nowhere/x.wav", "Hello"], 1, "/nowhere/x.wav"),
        (&["load", "--sessions", "0", "--wav", QUESTION], 2, "0 is not in 1.."),
        (&["transcribe", "--srt", "--columns", "0", QUESTION], 2, "0 is not in 1.."),
    ];
    for (arguments, code, part) in cases {
        let output = run(arguments.iter().copied());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(part), "{arguments:?}: {error}");
        assert_eq!(error.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{arguments:?}: {error}");
    }
}

#[test]
#[cfg(not(feature = "device"))]
fn what_needs_sound_devices_says_how_to_get_them() {
    for arguments in [&["devices"][..], &["talk"], &["record", "/nowhere/session.jsonl"]] {
        let output = run(arguments.iter().copied());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("--features device"), "{arguments:?}");
    }
    assert!(!good(["--help"]).contains("devices"));
}

#[test]
fn a_key_on_the_command_line_is_refused_and_not_repeated() {
    for arguments in [&["chat", "sk-proj-0123456789abcdef"][..], &["chat", "--key=sk-proj-0123456789abcdef", "Hi"]] {
        let output = run(arguments.iter().copied());
        assert_eq!(output.status.code(), Some(2));
        let printed = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8(printed).unwrap().contains("0123456789abcdef"));
    }
}

#[test]
fn help_completions_and_manual_name_every_command() {
    let help = good(["--help"]);
    let commands = [
        "chat",
        "talk",
        "live",
        "say",
        "transcribe",
        "translate",
        "serve",
        "check",
        "secret",
        "call",
        "record",
        "replay",
        "load",
    ];
    for printed in [help, good(["completions", "bash"]), good(["man"])] {
        for command in commands {
            assert!(printed.to_lowercase().contains(command), "{command}");
        }
    }
}

#[test]
#[cfg(unix)]
fn a_signal_ends_what_serves() {
    assert_eq!(Serving::new(["serve"]).interrupt(), (Some(0), String::new()));
}
