// Calls of the official Node SDK over the services of the embedded workspace.
import sdk from "@databricks/sdk-experimental";

const w = new sdk.WorkspaceClient({});
let passed = 0;
const failed = [];

/** Makes one call; `holds` states what must be true of its result. */
async function ask(name, work, holds = () => true) {
    try {
        const result = await work();
        if (!holds(result)) throw new Error(`unexpected result: ${JSON.stringify(result)}`.slice(0, 400));
        passed += 1;
        return result;
    } catch (error) {
        failed.push(`${name}: ${error.message}`);
        return undefined;
    }
}

/** Makes a call that must fail with that status. */
async function refuse(name, status, work) {
    try {
        await work();
        failed.push(`${name}: did not fail`);
    } catch (error) {
        if (error.statusCode === status) passed += 1;
        else failed.push(`${name}: unexpected error: ${error.statusCode} ${error.message}`);
    }
}

async function all(items) {
    const out = [];
    for await (const item of items) out.push(item);
    return out;
}

/** The first item: this SDK asks for the same page of users and groups again and again. */
async function first(items) {
    for await (const item of items) return item;
    return undefined;
}

const warehouse_id = process.env.LOCAL_WAREHOUSE_ID;
const content = (string) => Buffer.from(string).toString("base64");

await ask("current_user.me", () => w.currentUser.me(), (me) => me.userName !== undefined);
const cluster = await ask(
    "clusters.create",
    async () => {
        const spark_version = "17.3.x-scala2.13";
        const waiter = await w.clusters.create({cluster_name: "node", spark_version, node_type_id: "m5d.large", num_workers: 1});
        return waiter.wait();
    },
    (made) => made.state === "RUNNING",
);
if (cluster) {
    const {cluster_id} = cluster;
    await ask("clusters.get", () => w.clusters.get({cluster_id}), (it) => it.cluster_name === "node");
    await ask("clusters.list", () => all(w.clusters.list({page_size: 1})), (found) => found.length >= 2);
    await ask("clusters.events", () => all(w.clusters.events({cluster_id})), (found) => found.length >= 2);
    await ask("clusters.delete", async () => (await w.clusters.delete({cluster_id})).wait(), (it) => it.state === "TERMINATED");
    await ask("clusters.permanent_delete", () => w.clusters.permanentDelete({cluster_id}));
}

await ask("workspace.mkdirs", () => w.workspace.mkdirs({path: "/Shared/node"}));
await ask("workspace.import", () =>
    w.workspace.import({path: "/Shared/node/task.py", format: "AUTO", overwrite: true, content: content("print('from node')")}),
);
await ask("workspace.get_status", () => w.workspace.getStatus({path: "/Shared/node/task.py"}), (it) => it.object_type === "FILE");
await ask("workspace.list", () => all(w.workspace.list({path: "/Shared/node"})), (found) => found.length === 1);
await ask("workspace.export", () => w.workspace.export({path: "/Shared/node/task.py"}), (it) => it.content === content("print('from node')"));
const job = await ask("jobs.create", () =>
    w.jobs.create({name: "node", tasks: [{task_key: "one", spark_python_task: {python_file: "/Shared/node/task.py"}}]}),
);
if (job) {
    const {job_id} = job;
    await ask("jobs.get", () => w.jobs.get({job_id}), (it) => it.settings.name === "node");
    await ask("jobs.list", () => all(w.jobs.list({name: "node"})), (found) => found.length === 1);
    const run = await ask(
        "jobs.run_now",
        async () => (await w.jobs.runNow({job_id})).wait(),
        (it) => it.state.result_state === "SUCCESS",
    );
    if (run) {
        await ask("jobs.get_run_output", () => w.jobs.getRunOutput({run_id: run.tasks[0].run_id}), (it) => it.logs.includes("from node"));
    }
    await ask("jobs.delete", () => w.jobs.delete({job_id}));
}
await ask("workspace.delete", () => w.workspace.delete({path: "/Shared/node", recursive: true}));
await refuse("workspace.get_status of nothing", 404, () => w.workspace.getStatus({path: "/Shared/node"}));

await ask("warehouses.list", () => all(w.warehouses.list({})), (found) => found.length >= 1);
await ask("warehouses.get", () => w.warehouses.get({id: warehouse_id}), (it) => it.id === warehouse_id);
const statement = await ask(
    "statements.execute",
    () =>
        w.statementExecution.executeStatement({
            warehouse_id,
            statement: "SELECT :a AS a, id FROM range(3)",
            wait_timeout: "30s",
            parameters: [{name: "a", value: "7", type: "INT"}],
        }),
    (it) => it.status.state === "SUCCEEDED" && it.result.data_array.length === 3,
);
if (statement) {
    const {statement_id} = statement;
    await ask("statements.get", () => w.statementExecution.getStatement({statement_id}), (it) => it.manifest.total_row_count === 3);
}

await ask("dbfs.put", () => w.dbfs.put({path: "/tmp/node.txt", contents: content("hello"), overwrite: true}));
await ask("dbfs.read", () => w.dbfs.read({path: "/tmp/node.txt"}), (it) => it.data === content("hello"));
await ask("dbfs.list", () => all(w.dbfs.list({path: "/tmp"})), (found) => found.length >= 1);
await ask("dbfs.delete", () => w.dbfs.delete({path: "/tmp/node.txt"}));
const directory_path = "/Volumes/main/default/node/d";
await ask("files.create_directory", () => w.files.createDirectory({directory_path}));
await ask("files.list_directory", () => all(w.files.listDirectoryContents({directory_path})), (found) => found.length === 0);
await ask("files.delete_directory", () => w.files.deleteDirectory({directory_path}));

await ask("secrets.create_scope", () => w.secrets.createScope({scope: "node"}));
await ask("secrets.put_secret", () => w.secrets.putSecret({scope: "node", key: "k", string_value: "v"}));
await ask("secrets.get_secret", () => w.secrets.getSecret({scope: "node", key: "k"}), (it) => it.value === "dg==");
await ask("secrets.list_scopes", () => all(w.secrets.listScopes()), (found) => found.length >= 1);
await ask("secrets.delete_scope", () => w.secrets.deleteScope({scope: "node"}));

const user = await ask("users.create", () => w.usersV2.create({userName: "node@example.com"}));
if (user) {
    const filter = 'userName eq "node@example.com"';
    await ask("users.list", () => first(w.usersV2.list({filter})), (found) => found.userName === "node@example.com");
    await ask("users.delete", () => w.usersV2.delete({id: user.id}));
}
await ask("groups.list", () => first(w.groupsV2.list({})), (found) => found.displayName === "admins");
await ask("tokens.list", () => all(w.tokens.list()), (found) => found.length >= 1);

await ask("catalogs.create", () => w.catalogs.create({name: "node_cat"}), (it) => it.full_name === "node_cat");
await ask("catalogs.list", () => all(w.catalogs.list({})), (found) => found.length >= 3);
await ask("schemas.create", () => w.schemas.create({catalog_name: "node_cat", name: "s"}), (it) => it.full_name === "node_cat.s");
await ask("tables.list", () => all(w.tables.list({catalog_name: "node_cat", schema_name: "s"})), (found) => found.length === 0);
await ask("schemas.delete", () => w.schemas.delete({full_name: "node_cat.s"}));
await ask("catalogs.delete", () => w.catalogs.delete({name: "node_cat", force: true}));
await refuse("catalogs.get a missing one", 404, () => w.catalogs.get({name: "node_cat"}));

const experiment = await ask("experiments.create", () => w.experiments.createExperiment({name: "/Shared/node"}));
if (experiment) {
    const run = await ask("experiments.create_run", () => w.experiments.createRun({experiment_id: experiment.experiment_id}));
    if (run) {
        const {run_id} = run.run.info;
        await ask("experiments.log_metric", () => w.experiments.logMetric({run_id, key: "m", value: 0.5, timestamp: 1}));
        await ask("experiments.get_run", () => w.experiments.getRun({run_id}), (it) => it.run.data.metrics[0].value === 0.5);
    }
}
await ask("serving_endpoints.list", () => all(w.servingEndpoints.list()), (found) => found.length >= 1);
await ask(
    "serving_endpoints.query",
    () => w.servingEndpoints.query({name: "echo", dataframe_records: [{x: 1}]}),
    (it) => it.predictions.length === 1,
);

for (const failure of failed) console.error("FAILED", failure);
console.log(`${passed} calls of the Node SDK passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);
