//! Does one task with rumqttc, given as JSON, and says in lines of JSON what comes of it. The two
//! versions of MQTT are two sets of types there, so each has a module here that makes them one.

mod task;
mod version_3_1_1;
mod version_5;

use std::time::Duration;

use task::{Happened, Session, Task, Verb};

const SECONDS_MAX: u64 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let task = Task::from_json(&std::env::args().nth(1).expect("a task as JSON"));
    let limit = Duration::from_secs(SECONDS_MAX);
    let outcome = if task.five {
        tokio::time::timeout(limit, run(version_5::open(&task), &task)).await
    } else {
        tokio::time::timeout(limit, run(version_3_1_1::open(&task), &task)).await
    };
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => fail(&reason),
        Err(_) => fail("waited in vain"),
    }
}

fn fail(reason: &str) -> ! {
    eprintln!("{reason}");
    std::process::exit(1)
}

async fn run(mut session: impl Session, task: &Task) -> Result<(), String> {
    let mut left = task.count;
    loop {
        let done = match session.next().await? {
            Happened::Connected => {
                match task.verb {
                    Verb::Publish => session.publish(task).await?,
                    Verb::Receive => session.subscribe(task).await?,
                    Verb::Die => task::say("connected"),
                }
                false
            }
            Happened::Subscribed(true) => {
                task::say("subscribed");
                left == 0
            }
            Happened::Subscribed(false) => return Err("the subscription was refused".into()),
            Happened::Published => task.verb == Verb::Publish,
            Happened::Message(message) => {
                message.say();
                left = left.saturating_sub(1);
                left == 0
            }
            Happened::Other => false,
        };
        if done {
            return leave(session).await;
        }
    }
}

/// Sends what is still to be sent (the acknowledgement of the last message), then the DISCONNECT.
async fn leave(mut session: impl Session) -> Result<(), String> {
    session.disconnect().await?;
    while session.next().await.is_ok() {}
    Ok(())
}
