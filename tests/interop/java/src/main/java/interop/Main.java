package interop;

import static interop.Calls.all;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.mixin.NodeTypeSelector;
import com.databricks.sdk.mixin.SparkVersionSelector;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.CreateVolumeRequestContent;
import com.databricks.sdk.service.catalog.ListCatalogsRequest;
import com.databricks.sdk.service.catalog.VolumeType;
import com.databricks.sdk.service.compute.CreateCluster;
import com.databricks.sdk.service.compute.GetEvents;
import com.databricks.sdk.service.compute.ListClustersRequest;
import com.databricks.sdk.service.compute.RestartCluster;
import com.databricks.sdk.service.compute.State;
import com.databricks.sdk.service.files.UploadRequest;
import com.databricks.sdk.service.iam.Group;
import com.databricks.sdk.service.iam.ListGroupsRequest;
import com.databricks.sdk.service.iam.ListUsersRequest;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.jobs.CreateJob;
import com.databricks.sdk.service.jobs.ListJobsRequest;
import com.databricks.sdk.service.jobs.ListRunsRequest;
import com.databricks.sdk.service.jobs.RunNow;
import com.databricks.sdk.service.jobs.RunResultState;
import com.databricks.sdk.service.jobs.SparkPythonTask;
import com.databricks.sdk.service.jobs.Task;
import com.databricks.sdk.service.ml.CreateExperiment;
import com.databricks.sdk.service.ml.CreateRun;
import com.databricks.sdk.service.ml.LogMetric;
import com.databricks.sdk.service.settings.CreateTokenRequest;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import com.databricks.sdk.service.sql.ExecuteStatementRequest;
import com.databricks.sdk.service.sql.ListWarehousesRequest;
import com.databricks.sdk.service.sql.StatementParameterListItem;
import com.databricks.sdk.service.sql.StatementState;
import com.databricks.sdk.service.sql.StopRequest;
import com.databricks.sdk.service.workspace.AclPermission;
import com.databricks.sdk.service.workspace.CreateScope;
import com.databricks.sdk.service.workspace.Delete;
import com.databricks.sdk.service.workspace.Import;
import com.databricks.sdk.service.workspace.ImportFormat;
import com.databricks.sdk.service.workspace.Language;
import com.databricks.sdk.service.workspace.ObjectType;
import com.databricks.sdk.service.workspace.PutAcl;
import com.databricks.sdk.service.workspace.PutSecret;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Collections;
import java.util.List;

/** Calls of the official Java SDK over the services of the embedded workspace. */
public final class Main {
  private final WorkspaceClient w = new WorkspaceClient();
  private final Calls c = new Calls();

  public static void main(String[] args) {
    Main main = new Main();
    main.compute();
    main.jobs();
    main.sql();
    main.files();
    main.identity();
    main.catalog();
    main.experiments();
    System.exit(main.c.report());
  }

  private void compute() {
    c.ask("current_user.me", () -> w.currentUser().me(), u -> u.getUserName() != null);
    String version =
        c.ask(
            "clusters.spark_versions",
            () -> w.clusters().selectSparkVersion(new SparkVersionSelector().withLatest().withLongTermSupport()),
            v -> v.contains("scala"));
    String node =
        c.ask("clusters.list_node_types", () -> w.clusters().selectNodeType(new NodeTypeSelector().withLocalDisk()), n -> n != null);
    var cluster =
        c.ask(
            "clusters.create",
            () ->
                w.clusters()
                    .create(new CreateCluster().setClusterName("java").setSparkVersion(version).setNodeTypeId(node).setNumWorkers(1L))
                    .get(),
            d -> d.getState() == State.RUNNING);
    if (cluster == null) {
      return;
    }
    String id = cluster.getClusterId();
    c.ask("clusters.get", () -> w.clusters().get(id), d -> d.getClusterName().equals("java") && d.getExecutors().size() == 1);
    c.ask("clusters.list", () -> all(w.clusters().list(new ListClustersRequest().setPageSize(1L))), l -> l.size() >= 2);
    c.ask("clusters.events", () -> all(w.clusters().events(new GetEvents().setClusterId(id))), l -> l.size() >= 2);
    c.ask("clusters.restart", () -> w.clusters().restart(new RestartCluster().setClusterId(id)).get(), d -> d.getState() == State.RUNNING);
    c.run("clusters.ensure_running", () -> w.clusters().ensureClusterIsRunning(id));
    c.run("clusters.pin", () -> w.clusters().pin(id));
    c.run("clusters.unpin", () -> w.clusters().unpin(id));
    c.ask("clusters.delete", () -> w.clusters().delete(id).get(), d -> d.getState() == State.TERMINATED);
    c.run("clusters.permanent_delete", () -> w.clusters().permanentDelete(id));
    c.refuse("clusters.get a missing one", Exception.class, () -> w.clusters().get(id));
  }

  private void jobs() {
    c.run("workspace.mkdirs", () -> w.workspace().mkdirs("/Shared/java"));
    c.run(
        "workspace.import",
        () ->
            w.workspace()
                .importContent(
                    new Import()
                        .setPath("/Shared/java/task.py")
                        .setFormat(ImportFormat.AUTO)
                        .setOverwrite(true)
                        .setContent(base64("print('from java')"))));
    Task task = new Task().setTaskKey("one").setSparkPythonTask(new SparkPythonTask().setPythonFile("/Shared/java/task.py"));
    var job = c.ask("jobs.create", () -> w.jobs().create(new CreateJob().setName("java").setTasks(List.of(task))), j -> j.getJobId() > 0);
    if (job == null) {
      return;
    }
    c.ask("jobs.get", () -> w.jobs().get(job.getJobId()), j -> j.getSettings().getTasks().size() == 1);
    c.ask("jobs.list", () -> all(w.jobs().list(new ListJobsRequest().setName("java"))), l -> l.size() == 1);
    var run =
        c.ask(
            "jobs.run_now",
            () -> w.jobs().runNow(new RunNow().setJobId(job.getJobId())).get(),
            r -> r.getState().getResultState() == RunResultState.SUCCESS);
    if (run != null) {
      long taskRun = run.getTasks().iterator().next().getRunId();
      c.ask("jobs.get_run_output", () -> w.jobs().getRunOutput(taskRun), o -> o.getLogs().contains("from java"));
      c.ask("jobs.list_runs", () -> all(w.jobs().listRuns(new ListRunsRequest().setJobId(job.getJobId()))), l -> l.size() == 1);
    }
    c.run("jobs.delete", () -> w.jobs().delete(job.getJobId()));
    c.run(
        "workspace.import of a notebook",
        () ->
            w.workspace()
                .importContent(
                    new Import()
                        .setPath("/Shared/java/notebook")
                        .setFormat(ImportFormat.SOURCE)
                        .setLanguage(Language.PYTHON)
                        .setContent(base64("print(1)"))));
    c.ask("workspace.get_status", () -> w.workspace().getStatus("/Shared/java/notebook"), o -> o.getObjectType() == ObjectType.NOTEBOOK);
    c.ask("workspace.list", () -> all(w.workspace().list("/Shared/java")), l -> l.size() == 2);
    c.ask(
        "workspace.export",
        () -> w.workspace().export("/Shared/java/notebook"),
        e -> new String(Base64.getDecoder().decode(e.getContent()), StandardCharsets.UTF_8).endsWith("print(1)"));
    c.run("workspace.delete", () -> w.workspace().delete(new Delete().setPath("/Shared/java").setRecursive(true)));
    c.refuse("workspace.get_status of nothing", NotFound.class, () -> w.workspace().getStatus("/Shared/java"));
  }

  private void sql() {
    var made =
        c.ask(
            "warehouses.create",
            () -> w.warehouses().create(new CreateWarehouseRequest().setName("java").setClusterSize("2X-Small").setMaxNumClusters(1L)).get(),
            r -> r.getState() == com.databricks.sdk.service.sql.State.RUNNING);
    if (made == null) {
      return;
    }
    c.ask("warehouses.list", () -> all(w.warehouses().list(new ListWarehousesRequest())), l -> l.size() >= 2);
    c.ask("warehouses.get", () -> w.warehouses().get(made.getId()), r -> r.getName().equals("java"));
    var done =
        c.ask(
            "statements.execute",
            () ->
                w.statementExecution()
                    .executeStatement(
                        new ExecuteStatementRequest()
                            .setWarehouseId(made.getId())
                            .setStatement("SELECT :a AS a, id FROM range(3)")
                            .setWaitTimeout("30s")
                            .setParameters(List.of(new StatementParameterListItem().setName("a").setValue("7").setType("INT")))),
            r -> r.getStatus().getState() == StatementState.SUCCEEDED && r.getManifest().getTotalRowCount() == 3);
    if (done != null) {
      c.ask("statements.get", () -> w.statementExecution().getStatement(done.getStatementId()), r -> r.getResult() != null);
      c.ask("statements.get_chunk", () -> w.statementExecution().getStatementResultChunkN(done.getStatementId(), 0), r -> r.getRowCount() == 3);
    }
    c.ask(
        "statements.execute a mistake",
        () ->
            w.statementExecution()
                .executeStatement(new ExecuteStatementRequest().setWarehouseId(made.getId()).setStatement("SELEC 1").setWaitTimeout("30s")),
        r -> r.getStatus().getState() == StatementState.FAILED);
    c.ask(
        "warehouses.stop",
        () -> w.warehouses().stop(new StopRequest().setId(made.getId())).get(),
        r -> r.getState() == com.databricks.sdk.service.sql.State.STOPPED);
    c.run("warehouses.delete", () -> w.warehouses().delete(made.getId()));
  }

  private void files() {
    c.run("dbfs.write", () -> w.dbfs().write(Path.of("/tmp/java.txt"), "hello".getBytes(StandardCharsets.UTF_8)));
    c.ask("dbfs.read", () -> w.dbfs().readAllBytes(Path.of("/tmp/java.txt")), b -> new String(b, StandardCharsets.UTF_8).equals("hello"));
    c.ask("dbfs.get_status", () -> w.dbfs().getStatus("/tmp/java.txt"), f -> f.getFileSize() == 5);
    c.ask("dbfs.list", () -> all(w.dbfs().list("/tmp")), l -> !l.isEmpty());
    c.run("dbfs.delete", () -> w.dbfs().delete(new com.databricks.sdk.service.files.Delete().setPath("/tmp/java.txt")));
    String file = "/Volumes/main/default/java/a/data.bin";
    c.run(
        "files.upload",
        () ->
            w.files()
                .upload(
                    new UploadRequest()
                        .setFilePath(file)
                        .setOverwrite(true)
                        .setContents(new ByteArrayInputStream("0123456789".getBytes(StandardCharsets.UTF_8)))));
    c.ask(
        "files.download",
        () -> {
          try (var contents = w.files().download(file).getContents()) {
            return new String(contents.readAllBytes(), StandardCharsets.UTF_8);
          }
        },
        t -> t.equals("0123456789"));
    c.ask("files.get_metadata", () -> w.files().getMetadata(file), m -> m.getContentLength() == 10);
    c.ask("files.list_directory", () -> all(w.files().listDirectoryContents("/Volumes/main/default/java/a")), l -> l.size() == 1);
    c.run("files.delete", () -> w.files().delete(file));
    c.refuse("files.download of nothing", NotFound.class, () -> w.files().download(file));
    c.run("secrets.create_scope", () -> w.secrets().createScope(new CreateScope().setScope("java")));
    c.refuse("secrets.create_scope twice", ResourceAlreadyExists.class, () -> w.secrets().createScope(new CreateScope().setScope("java")));
    c.run("secrets.put_secret", () -> w.secrets().putSecret(new PutSecret().setScope("java").setKey("k").setStringValue("v")));
    c.ask("secrets.get_secret", () -> w.secrets().getSecret("java", "k"), s -> s.getValue().equals("dg=="));
    c.ask("secrets.list_secrets", () -> all(w.secrets().listSecrets("java")), l -> l.size() == 1);
    c.run(
        "secrets.put_acl",
        () -> w.secrets().putAcl(new PutAcl().setScope("java").setPrincipal("users").setPermission(AclPermission.READ)));
    c.ask("secrets.list_acls", () -> all(w.secrets().listAcls("java")), l -> l.size() == 2);
    c.run("secrets.delete_scope", () -> w.secrets().deleteScope("java"));
  }

  private void identity() {
    var user = c.ask("users.create", () -> w.users().create(new User().setUserName("java@example.com")), u -> u.getId() != null);
    if (user != null) {
      c.ask(
          "users.list",
          () -> all(w.users().list(new ListUsersRequest().setFilter("userName eq \"java@example.com\""))),
          l -> l.size() == 1);
      var group = c.ask("groups.create", () -> w.groups().create(new Group().setDisplayName("javanese")), g -> g.getId() != null);
      c.ask("groups.list", () -> all(w.groups().list(new ListGroupsRequest())), l -> l.size() >= 3);
      if (group != null) {
        c.run("groups.delete", () -> w.groups().delete(group.getId()));
      }
      c.run("users.delete", () -> w.users().delete(user.getId()));
      c.refuse("users.get a missing one", NotFound.class, () -> w.users().get(user.getId()));
    }
    var token = c.ask("tokens.create", () -> w.tokens().create(new CreateTokenRequest().setComment("java")), t -> t.getTokenValue() != null);
    if (token != null) {
      c.ask("tokens.list", () -> all(w.tokens().list()), l -> l.size() >= 2);
      c.run("tokens.delete", () -> w.tokens().delete(token.getTokenInfo().getTokenId()));
    }
  }

  private void catalog() {
    c.ask("catalogs.create", () -> w.catalogs().create(new CreateCatalog().setName("java_cat")), i -> i.getFullName().equals("java_cat"));
    c.ask("catalogs.list", () -> all(w.catalogs().list(new ListCatalogsRequest())), l -> l.size() >= 3);
    c.ask("schemas.create", () -> w.schemas().create(new CreateSchema().setCatalogName("java_cat").setName("s")), i -> i.getFullName().equals("java_cat.s"));
    c.ask(
        "volumes.create",
        () ->
            w.volumes()
                .create(new CreateVolumeRequestContent().setCatalogName("java_cat").setSchemaName("s").setName("v").setVolumeType(VolumeType.MANAGED)),
        v -> v.getFullName().equals("java_cat.s.v"));
    c.ask("volumes.list", () -> all(w.volumes().list("java_cat", "s")), l -> l.size() == 1);
    c.run("volumes.delete", () -> w.volumes().delete("java_cat.s.v"));
    c.ask("tables.list", () -> all(w.tables().list("java_cat", "s")), List::isEmpty);
    c.run("schemas.delete", () -> w.schemas().delete("java_cat.s"));
    c.run("catalogs.delete", () -> w.catalogs().delete(new com.databricks.sdk.service.catalog.DeleteCatalogRequest().setName("java_cat").setForce(true)));
    c.refuse("catalogs.get a missing one", NotFound.class, () -> w.catalogs().get("java_cat"));
  }

  private void experiments() {
    var made = c.ask("experiments.create", () -> w.experiments().createExperiment(new CreateExperiment().setName("/Shared/java")), e -> e.getExperimentId() != null);
    if (made == null) {
      return;
    }
    var run =
        c.ask(
            "experiments.create_run",
            () -> w.experiments().createRun(new CreateRun().setExperimentId(made.getExperimentId()).setTags(Collections.emptyList())),
            r -> r.getRun().getInfo().getRunId() != null);
    if (run != null) {
      String id = run.getRun().getInfo().getRunId();
      c.run("experiments.log_metric", () -> w.experiments().logMetric(new LogMetric().setRunId(id).setKey("m").setValue(0.5).setTimestamp(1L)));
      c.ask("experiments.get_run", () -> w.experiments().getRun(id), r -> r.getRun().getData().getMetrics().size() == 1);
    }
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
