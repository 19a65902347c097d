//! Workspace objects, secrets, and serving endpoints.

use databricks_sdk::models::serving::ChatMessage;
use databricks_sdk::models::workspace::{AclPermission, ImportFormat, Language, ObjectType};
use databricks_sdk::{Config, ErrorKind, WorkspaceClient};
use databricks_tests::Fixture;
use futures_util::TryStreamExt as _;

#[tokio::test]
async fn workspace_objects_come_and_go_as_they_are() {
    let fixture = Fixture::start().await;
    let workspace = fixture.w.workspace();
    workspace.upload_from("/Users/me/d/n.py", "print(1)").await.unwrap();
    let status = workspace.get_status("/Users/me/d/n.py").await.unwrap();
    assert_eq!((status.object_type, status.language), (Some(ObjectType::Notebook), Some(Language::Python)));
    workspace.upload_from("/Users/me/d/sub/x.csv", "a\r\n--b").format(ImportFormat::Auto).await.unwrap();
    let pieces = workspace.download("/Users/me/d/sub/x.csv").await.unwrap();
    assert_eq!(pieces.try_collect::<Vec<_>>().await.unwrap().concat(), b"a\r\n--b");
    assert!(workspace.upload_from("/Users/me/d/n.py", "2").await.unwrap_err().is_already_exists());
    workspace.upload_from("/Users/me/d/n.py", "2").overwrite(true).await.unwrap();
    let hint = workspace.upload_from("/Users/me/d/plain", "x").await.unwrap_err();
    assert!(hint.hint().is_some_and(|hint| hint.contains("Auto")) || hint.api().is_some(), "{hint}");
    let walked: Vec<_> = workspace.walk("/Users/me").try_collect().await.unwrap();
    let paths: Vec<_> = walked.into_iter().filter_map(|object| object.path).collect();
    assert_eq!(paths, ["/Users/me/d/n.py", "/Users/me/d/sub/x.csv"]);
}

#[tokio::test]
async fn secrets_are_read_by_those_who_may() {
    let fixture = Fixture::start().await;
    let secrets = fixture.w.secrets();
    secrets.create_scope("s").await.unwrap();
    secrets.put_secret("s", "text").string_value("hunter2").await.unwrap();
    secrets.put_secret("s", "bytes").bytes_value("//79").await.unwrap();
    let text = secrets.text("s", "text").await.unwrap();
    assert_eq!((text.expose(), format!("{text:?}")), ("hunter2", "**REDACTED**".to_owned()));
    let value = secrets.value("s", "bytes").await.unwrap();
    assert_eq!((value.expose(), format!("{value:?}")), (&[0xff, 0xfe, 0xfd][..], "**REDACTED**".to_owned()));
    assert_eq!(value.text().unwrap_err().kind(), ErrorKind::Decode);
    let keys: Vec<_> = secrets.list_secrets("s").items().try_collect().await.unwrap();
    assert_eq!(keys.into_iter().filter_map(|it| it.key).collect::<Vec<_>>(), ["bytes", "text"]);
    assert!(secrets.text("s", "none").await.unwrap_err().is_not_found());

    let config: Config =
        fixture.config().client_id(fixture.local.client_id()).client_secret(fixture.local.client_secret());
    let principal = WorkspaceClient::new(config).unwrap().secrets();
    assert!(principal.text("s", "text").await.unwrap_err().is_permission_denied());
    secrets.put_acl("s", fixture.local.client_id(), AclPermission::Read).await.unwrap();
    assert_eq!(principal.text("s", "text").await.unwrap().expose(), "hunter2");
    assert!(principal.put_secret("s", "x").string_value("y").await.unwrap_err().is_permission_denied());
    secrets.delete_scope("s").await.unwrap();
}

#[tokio::test]
async fn chat_arrives_word_by_word() {
    let fixture = Fixture::start().await;
    let endpoints = fixture.w.serving_endpoints();
    let ask = || endpoints.query("echo").messages([ChatMessage::new().content("why is the sky blue?")]);
    let whole = ask().await.unwrap();
    assert_eq!(whole.served_model_name.as_deref(), Some("echo"));
    let mut chunks = ask().chunks().await.unwrap();
    let (mut words, mut finish) = (Vec::new(), None);
    while let Some(chunk) = chunks.try_next().await.unwrap() {
        words.push(chunk.text().to_owned());
        finish = chunk.choices.first().and_then(|choice| choice.finish_reason.clone()).or(finish);
    }
    assert_eq!(words, ["", "why ", "is ", "the ", "sky ", "blue?", ""]);
    assert_eq!(finish.as_deref(), Some("stop"));
    assert_eq!(ask().max_tokens(2).chunks().await.unwrap().text().await.unwrap(), "why is ");
    assert!(
        endpoints.query("none").messages([ChatMessage::new().content("x")]).chunks().await.unwrap_err().is_not_found()
    );

    let fault = databricks_local::faults::Rule::new("POST", "/serving-endpoints/*").times(1).cut_after(900);
    fixture.local.faults().add(fault);
    let broken = ask().chunks().await.unwrap().text().await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::ConnectionLost, "{broken}");
}

#[tokio::test]
async fn secrets_as_dbutils_lists_them() {
    let f = Fixture::start().await;
    let secrets = f.w.secrets();
    secrets.create_scope("jdbc").await.unwrap();
    for key in ["user", "password"] {
        secrets.put_secret("jdbc", key).string_value(format!("value of {key}")).await.unwrap();
    }
    assert!(secrets.scope_names().await.unwrap().contains(&"jdbc".to_owned()));
    let mut keys = secrets.keys("jdbc").await.unwrap();
    keys.sort();
    assert_eq!(keys, ["password", "user"]);
    let reference = "{{secrets/jdbc/password}}".parse().unwrap();
    assert_eq!(secrets.resolve(&reference).await.unwrap().expose(), "value of password");
    assert_eq!(secrets.resolve_bytes(&reference).await.unwrap().expose(), b"value of password");
    assert!(secrets.keys("none").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_client_of_the_openai_protocol_asks_a_serving_endpoint() {
    let f = Fixture::start().await;
    let openai = f.w.serving_endpoints().openai().await.unwrap();
    // As such a client does it: with nothing but the base URL and the key.
    let question = serde_json::json!({"model": "echo", "messages": [{"role": "user", "content": "hello there"}]});
    let key = format!("Bearer {}", openai.api_key().await.unwrap().expose());
    let url = format!("{}/chat/completions", openai.base_url());
    let asked = f.w.raw(databricks_sdk::Method::POST, &url).anonymous().header("authorization", &key);
    let response: serde_json::Value = asked.json_body(&question).json().await.unwrap();
    assert_eq!(response["choices"][0]["message"]["content"], "hello there");
    let asked = f.w.raw(databricks_sdk::Method::POST, &url).anonymous();
    assert!(asked.json_body(&question).send().await.unwrap_err().is_unauthenticated());
}
