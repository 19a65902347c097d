// The SQL connector for Node against the embedded workspace: every difference is noted and the others go on.
//
// Reads DATABRICKS_HOST, DATABRICKS_TOKEN and DATABRICKS_WAREHOUSE_ID; the package is found by NODE_PATH.
const assert = require('node:assert/strict');
const { DBSQLClient } = require('@databricks/sql');

const url = new URL(process.env.DATABRICKS_HOST);
let passed = 0;
const failed = [];

class PlainClient extends DBSQLClient {
  // The connector has no option for plain HTTP.
  getConnectionOptions(options) {
    return { ...super.getConnectionOptions(options), https: false };
  }
}

async function area(name, run) {
  try {
    await run();
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed.push(name);
    console.log(`FAIL ${name}`, error);
  }
}

async function rows(operation) {
  const all = await operation.fetchAll();
  await operation.close();
  return all;
}

async function main() {
  const client = new PlainClient({ logger: { log() {} } });
  const connect = (token) =>
    client.connect({
      host: url.hostname,
      port: Number(url.port),
      path: `/sql/1.0/warehouses/${process.env.DATABRICKS_WAREHOUSE_ID}`,
      token,
      telemetryEnabled: false,
    });
  await connect(process.env.DATABRICKS_TOKEN);
  const session = await client.openSession({ initialCatalog: 'main', initialSchema: 'default' });
  const query = async (sql, options) => rows(await session.executeStatement(sql, options));

  await area('types', async () => {
    const [row] = await query(
      "SELECT true AS b, 3 AS i, 4000000000 AS l, CAST(12.34 AS DECIMAL(10,2)) AS n, 'é' AS s, " +
        "DATE '2024-02-29' AS d, TIMESTAMP '2024-02-29 01:02:03' AS t, array(1, 2) AS a, map('k', 1) AS m, " +
        "named_struct('x', 1) AS st, NULL AS v",
    );
    assert.equal(row.t.toISOString(), '2024-02-29T01:02:03.000Z');
    assert.equal(row.d.toISOString(), '2024-02-29T00:00:00.000Z');
    const { b, i, l, n, s, a, m, st, v } = row;
    assert.deepEqual(
      { b, i, l: Number(l), n, s, a, m, st, v },
      { b: true, i: 3, l: 4000000000, n: 12.34, s: 'é', a: [1, 2], m: { k: 1 }, st: { x: 1 }, v: null },
    );
  });
  await area('parameters', async () => {
    const named = await query('SELECT :a + 1 AS a, :b AS b', { namedParameters: { a: 41, b: "it's" } });
    assert.deepEqual(named, [{ a: 42, b: "it's" }]);
    const ordinal = await query("SELECT ? AS a, '?' AS q, ? AS b", { ordinalParameters: [1, true] });
    assert.deepEqual(ordinal, [{ a: 1, q: '?', b: true }]);
  });
  await area('parts', async () => {
    const operation = await session.executeStatement('SELECT id FROM range(1000) ORDER BY id', { maxRows: 100 });
    const first = await operation.fetchChunk({ maxRows: 10 });
    assert.equal(first.length, 10);
    assert.equal((await operation.getSchema()).columns[0].columnName, 'id');
    assert.equal((await operation.fetchAll()).length, 990);
    await operation.close();
  });
  await area('metadata', async () => {
    const catalogs = (await rows(await session.getCatalogs())).map((r) => r.TABLE_CAT);
    assert.ok(catalogs.includes('main') && catalogs.includes('samples'));
    const schemas = await rows(await session.getSchemas({ catalogName: 'samples', schemaName: 'nyc%' }));
    assert.deepEqual(schemas, [{ TABLE_SCHEM: 'nyctaxi', TABLE_CATALOG: 'samples' }]);
    const tables = await rows(await session.getTables({ catalogName: 'samples', schemaName: 'nyctaxi' }));
    assert.ok(tables.some((r) => r.TABLE_NAME === 'trips' && r.TABLE_TYPE === 'TABLE'));
    const columns = await rows(
      await session.getColumns({ catalogName: 'samples', schemaName: 'nyctaxi', tableName: 'trips' }),
    );
    assert.equal(columns[0].TYPE_NAME, 'TIMESTAMP');
    assert.ok((await rows(await session.getTypeInfo())).some((r) => r.TYPE_NAME === 'BIGINT'));
    assert.ok((await rows(await session.getTableTypes())).some((r) => r.TABLE_TYPE === 'VIEW'));
    const keys = { catalogName: 'samples', schemaName: 'nyctaxi', tableName: 'trips' };
    assert.deepEqual(await rows(await session.getPrimaryKeys(keys)), []);
    assert.ok((await rows(await session.getFunctions({ functionName: 'start%' }))).length > 0);
    assert.equal(typeof (await session.getInfo(18)).getValue(), 'string');
  });
  await area('errors', async () => {
    await assert.rejects(() => query('SELECT * FROM not_there'), /TABLE_OR_VIEW_NOT_FOUND/);
    assert.deepEqual(await query('SELECT 1 AS a'), [{ a: 1 }]);
  });
  await area('cancel', async () => {
    const operation = await session.executeStatement(
      'SELECT count(*) FROM range(100000000000) a CROSS JOIN range(1000) b',
    );
    await operation.cancel();
    await assert.rejects(() => operation.fetchAll());
  });
  await session.close();
  await client.close();
  console.log(`node: ${passed} areas passed, ${failed.length} failed`, failed);
  process.exit(failed.length === 0 ? 0 : 1);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
