"""Logs runs with mlflow, and registers, names and loads a model, on the local workspace.

Fails at the first difference from what a Databricks workspace does.
"""

import os
import tempfile

import mlflow

EXPERIMENT = "/Users/local.user@example.com/interop"
MODEL = "main.default.adder"


def expect(found, wanted, what):
    assert found == wanted, f"{what}: {found!r}, not {wanted!r}"


class Adder(mlflow.pyfunc.PythonModel):
    """A model that needs no library."""

    def predict(self, context, model_input: list[int]) -> list[int]:
        return [value + 1 for value in model_input]


def log_run(client):
    experiment = mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "kind": "tree"})
        for step in range(5):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": 0.9, "recall": 0.8}, step=4)
        mlflow.set_tag("team", "a")
        mlflow.set_tags({"stage": "test", "empty": ""})
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "conf.json")
        with tempfile.TemporaryDirectory() as directory:
            for name, content in [("big.bin", b"x" * 3_000_000), ("none.txt", b"")]:
                with open(os.path.join(directory, name), "wb") as file:
                    file.write(content)
            mlflow.log_artifacts(directory, "files")
            mlflow.log_artifact(os.path.join(directory, "big.bin"))
        with mlflow.start_run(run_name="inner", nested=True):
            mlflow.log_metric("loss", 0.5)
    read = client.get_run(run.info.run_id)
    expect(read.info.status, "FINISHED", "status")
    expect(read.data.params, {"depth": "3", "rate": "0.1", "kind": "tree"}, "params")
    expect(read.data.metrics["loss"], 0.2, "the last metric")
    expect(read.data.tags["team"], "a", "tag")
    expect([m.step for m in client.get_metric_history(run.info.run_id, "loss")], [0, 1, 2, 3, 4], "steps")
    paths = sorted(f.path for f in client.list_artifacts(run.info.run_id))
    expect(paths, ["big.bin", "conf.json", "files", "notes"], "artifacts")
    files = {f.path: f.file_size for f in client.list_artifacts(run.info.run_id, "files")}
    expect(files, {"files/big.bin": 3_000_000, "files/none.txt": 0}, "files of a directory")
    expect(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/hello.txt"), "hello", "text")
    expect(mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/conf.json"), {"a": [1, 2]}, "dictionary")
    with tempfile.TemporaryDirectory() as directory:
        local = client.download_artifacts(run.info.run_id, "files", directory)
        expect(os.path.getsize(os.path.join(local, "big.bin")), 3_000_000, "size of a download")
    found = client.search_runs([experiment.experiment_id], "metrics.accuracy > 0.5 and tags.team = 'a'")
    expect([r.info.run_id for r in found], [run.info.run_id], "search")
    inner = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    expect([r.info.run_name for r in inner], ["inner"], "nested run")


def failed_run(client):
    try:
        with mlflow.start_run(run_name="broken") as run:
            raise ValueError("on purpose")
    except ValueError:
        expect(client.get_run(run.info.run_id).info.status, "FAILED", "status of a run that raised")
    client.delete_run(run.info.run_id)
    expect(client.get_run(run.info.run_id).info.lifecycle_stage, "deleted", "life cycle")


def register(client):
    versions = []
    for _ in range(2):
        with mlflow.start_run(run_name="model"):
            info = mlflow.pyfunc.log_model(name="model", python_model=Adder(), registered_model_name=MODEL)
            versions.append(info.registered_model_version)
    expect([str(v) for v in versions], ["1", "2"], "versions")
    client.set_registered_model_alias(MODEL, "champion", 1)
    client.set_registered_model_tag(MODEL, "team", "a")
    client.set_model_version_tag(MODEL, "2", "checked", "yes")
    client.update_model_version(MODEL, "2", description="the second")
    expect(client.get_model_version_by_alias(MODEL, "champion").version, "1", "version of the alias")
    second = client.get_model_version(MODEL, "2")
    expect((second.description, second.tags["checked"], second.status), ("the second", "yes", "READY"), "version")
    model = client.get_registered_model(MODEL)
    expect((model.aliases, model.tags), ({"champion": "1"}, {"team": "a"}), "model")
    expect(len(client.search_model_versions(f"name='{MODEL}'")), 2, "versions found")
    for uri in [f"models:/{MODEL}@champion", f"models:/{MODEL}/2", info.model_uri]:
        expect(list(mlflow.pyfunc.load_model(uri).predict([1, 41])), [2, 42], uri)
    client.delete_registered_model_alias(MODEL, "champion")
    client.delete_model_version(MODEL, "1")
    client.delete_registered_model(MODEL)
    expect([m.name for m in client.search_registered_models()], [], "models that are left")


def workspace_registry():
    mlflow.set_registry_uri("databricks")
    client = mlflow.MlflowClient()
    client.create_registered_model("plain", tags={"a": "b"}, description="d")
    run = client.search_runs([mlflow.get_experiment_by_name(EXPERIMENT).experiment_id])[0]
    version = client.create_model_version("plain", f"{run.info.artifact_uri}/model", run.info.run_id)
    expect(version.version, "1", "version")
    expect(client.get_latest_versions("plain", ["None"])[0].version, "1", "version of the stage")
    staged = client.transition_model_version_stage("plain", "1", "Staging", archive_existing_versions=True)
    expect(staged.current_stage, "Staging", "stage")
    expect(client.get_latest_versions("plain", ["Staging"])[0].version, "1", "version of the new stage")
    client.rename_registered_model("plain", "renamed")
    expect(client.get_registered_model("renamed").description, "d", "description")
    try:
        client.delete_registered_model("renamed")
    except mlflow.exceptions.MlflowException as error:
        assert "must be moved first" in str(error), error
    else:
        raise AssertionError("a model with a version in a stage was deleted")
    client.transition_model_version_stage("renamed", "1", "Archived")
    client.delete_registered_model("renamed")


def main():
    mlflow.set_tracking_uri("databricks")
    mlflow.set_registry_uri("databricks-uc")
    client = mlflow.MlflowClient()
    log_run(client)
    failed_run(client)
    register(client)
    workspace_registry()
    print(f"mlflow {mlflow.__version__}: passed")


if __name__ == "__main__":
    main()
