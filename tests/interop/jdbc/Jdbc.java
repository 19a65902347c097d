import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;

/** The JDBC driver against the embedded workspace: every difference is noted and the others go on. */
public class Jdbc {
    interface Area {
        void run(Connection connection) throws Exception;
    }

    static String url;
    static Properties properties;
    static int passed = 0;
    static List<String> failed = new ArrayList<>();

    static void same(String what, Object got, Object expected) {
        if (!Objects.equals(got, expected)) {
            throw new AssertionError(what + ": " + got + " instead of " + expected);
        }
    }

    static Connection connect() throws SQLException {
        return DriverManager.getConnection(url, properties);
    }

    static void area(String name, Area area) {
        try (Connection connection = connect()) {
            area.run(connection);
            passed++;
            System.out.println("ok   " + name);
        } catch (Throwable error) {
            failed.add(name);
            System.out.println("FAIL " + name);
            error.printStackTrace(System.out);
        }
    }

    static List<String> strings(ResultSet rows, String column) throws SQLException {
        List<String> all = new ArrayList<>();
        while (rows.next()) {
            all.add(rows.getString(column));
        }
        return all;
    }

    public static void main(String[] arguments) throws Exception {
        String host = System.getenv("DATABRICKS_HOST").replace("http://", "");
        url = "jdbc:databricks://" + host + "/default;transportMode=http;ssl=0;AuthMech=3;EnableTelemetry=0;httpPath=/sql/1.0/warehouses/"
            + System.getenv("DATABRICKS_WAREHOUSE_ID") + (arguments.length > 0 ? ";" + arguments[0] : "");
        properties = new Properties();
        properties.put("UID", "token");
        properties.put("PWD", System.getenv("DATABRICKS_TOKEN"));

        area("types", c -> {
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(
                "SELECT true AS b, CAST(1 AS TINYINT) AS t, CAST(2 AS SMALLINT) AS s, 3 AS i, 4000000000 AS l, "
                + "CAST(1.5 AS FLOAT) AS f, CAST(2.5 AS DOUBLE) AS d, CAST(12.34 AS DECIMAL(10,2)) AS n, 'é' AS x, "
                + "CAST('ab' AS BINARY) AS y, DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 01:02:03' AS ts, "
                + "array(1, 2) AS a, map('k', 1) AS m, named_struct('x', 1) AS st")) {
                ResultSetMetaData m = r.getMetaData();
                same("columns", m.getColumnCount(), 15);
                int[] kinds = {Types.BOOLEAN, Types.TINYINT, Types.SMALLINT, Types.INTEGER, Types.BIGINT, Types.FLOAT,
                    Types.DOUBLE, Types.DECIMAL, Types.VARCHAR, Types.BINARY, Types.DATE, Types.TIMESTAMP};
                for (int i = 0; i < kinds.length; i++) {
                    same("type of " + m.getColumnName(i + 1), m.getColumnType(i + 1), kinds[i]);
                }
                same("type name", m.getColumnTypeName(5), "BIGINT");
                same("precision", m.getPrecision(8), 10);
                same("scale", m.getScale(8), 2);
                same("row", r.next(), true);
                same("b", r.getBoolean("b"), true);
                same("t", r.getByte("t"), (byte) 1);
                same("s", r.getShort("s"), (short) 2);
                same("i", r.getInt("i"), 3);
                same("l", r.getLong("l"), 4000000000L);
                same("f", r.getFloat("f"), 1.5f);
                same("d", r.getDouble("d"), 2.5);
                same("n", r.getBigDecimal("n"), new BigDecimal("12.34"));
                same("x", r.getString("x"), "é");
                same("y", new String(r.getBytes("y")), "ab");
                same("day", r.getDate("day"), Date.valueOf("2024-02-29"));
                if (r.getTimestamp("ts") == null) {
                    throw new AssertionError("no timestamp");
                }
                same("a", r.getString("a").replace(" ", ""), "[1,2]");
                same("end", r.next(), false);
            }
        });

        area("nulls", c -> {
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(
                "SELECT CAST(NULL AS INT), CAST(NULL AS STRING), CAST(NULL AS DECIMAL(5,2)), CAST(NULL AS TIMESTAMP)")) {
                r.next();
                for (int i = 1; i <= 4; i++) {
                    same("null", r.getObject(i), null);
                    same("wasNull", r.wasNull(), true);
                }
            }
        });

        area("many rows", c -> {
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT id FROM range(250000)")) {
                long count = 0;
                long sum = 0;
                while (r.next()) {
                    count++;
                    sum += r.getLong(1);
                }
                same("rows", count, 250000L);
                same("sum", sum, 249999L * 125000L);
            }
        });

        area("max rows", c -> {
            try (Statement s = c.createStatement()) {
                s.setMaxRows(5);
                try (ResultSet r = s.executeQuery("SELECT id FROM range(100)")) {
                    int count = 0;
                    while (r.next()) {
                        count++;
                    }
                    same("rows", count, 5);
                }
            }
        });

        area("prepared", c -> {
            try (PreparedStatement p = c.prepareStatement("SELECT ? + 1 AS a, '?' AS q, ? AS b, ? AS d, ? AS n, ? AS z")) {
                p.setInt(1, 41);
                p.setString(2, "it's");
                p.setDate(3, Date.valueOf("2024-02-29"));
                p.setBigDecimal(4, new BigDecimal("1.50"));
                p.setNull(5, Types.VARCHAR);
                try (ResultSet r = p.executeQuery()) {
                    r.next();
                    same("a", r.getInt("a"), 42);
                    same("q", r.getString("q"), "?");
                    same("b", r.getString("b"), "it's");
                    same("d", r.getDate("d"), Date.valueOf("2024-02-29"));
                    same("n", r.getBigDecimal("n").compareTo(new BigDecimal("1.5")), 0);
                    same("z", r.getObject("z"), null);
                }
            }
        });

        area("write and read", c -> {
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE IF EXISTS main.default.jdbc_table");
                s.execute("CREATE TABLE main.default.jdbc_table (id BIGINT, name STRING)");
                same("inserted", s.executeUpdate("INSERT INTO main.default.jdbc_table VALUES (1, 'a'), (2, 'b')"), 2);
                same("updated", s.executeUpdate("UPDATE main.default.jdbc_table SET name = 'c' WHERE id = 2"), 1);
                try (ResultSet r = s.executeQuery("SELECT name FROM main.default.jdbc_table ORDER BY id")) {
                    same("rows", strings(r, "name"), Arrays.asList("a", "c"));
                }
                s.execute("DROP TABLE main.default.jdbc_table");
            }
        });

        area("session", c -> {
            c.setCatalog("samples");
            c.setSchema("nyctaxi");
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT current_catalog() AS c, current_schema() AS s")) {
                r.next();
                same("catalog", r.getString("c"), "samples");
                same("schema", r.getString("s"), "nyctaxi");
            }
        });

        area("metadata", c -> {
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE IF EXISTS main.default.jdbc_meta");
                s.execute("CREATE TABLE main.default.jdbc_meta (id BIGINT, price DECIMAL(10,2), name STRING)");
            }
            DatabaseMetaData m = c.getMetaData();
            try (ResultSet r = m.getCatalogs()) {
                List<String> names = strings(r, "TABLE_CAT");
                same("catalogs", names.contains("main") && names.contains("samples"), true);
            }
            try (ResultSet r = m.getSchemas("main", "%")) {
                same("schemas", strings(r, "TABLE_SCHEM").contains("default"), true);
            }
            try (ResultSet r = m.getTables("main", "default", "jdbc\\_meta", null)) {
                same("table", r.next(), true);
                same("catalog", r.getString("TABLE_CAT"), "main");
                same("name", r.getString("TABLE_NAME"), "jdbc_meta");
                same("type", r.getString("TABLE_TYPE"), "TABLE");
                same("end", r.next(), false);
            }
            try (ResultSet r = m.getTables("main", "default", "jdbc_meta", new String[] {"VIEW"})) {
                same("no view", r.next(), false);
            }
            try (ResultSet r = m.getColumns("main", "default", "jdbc_meta", "%")) {
                List<String> seen = new ArrayList<>();
                while (r.next()) {
                    seen.add(r.getInt("ORDINAL_POSITION") + " " + r.getString("COLUMN_NAME") + " " + r.getInt("DATA_TYPE")
                        + " " + r.getString("TYPE_NAME") + " " + r.getString("IS_NULLABLE"));
                }
                same("columns", seen, Arrays.asList("1 id -5 BIGINT YES", "2 price 3 DECIMAL YES", "3 name 12 STRING YES"));
            }
            try (ResultSet r = m.getTableTypes()) {
                same("table types", strings(r, "TABLE_TYPE").contains("TABLE"), true);
            }
            try (ResultSet r = m.getTypeInfo()) {
                same("types", strings(r, "TYPE_NAME").contains("BIGINT"), true);
            }
            try (ResultSet r = m.getPrimaryKeys("main", "default", "jdbc_meta")) {
                same("keys", r.next(), false);
                r.findColumn("KEY_SEQ");
            }
            try (ResultSet r = m.getImportedKeys("main", "default", "jdbc_meta")) {
                same("imported keys", r.next(), false);
            }
            try (ResultSet r = m.getCrossReference("main", "default", "jdbc_meta", "main", "default", "jdbc_meta")) {
                same("cross reference", r.next(), false);
            }
            try (ResultSet r = m.getFunctions("system", null, "start%")) {
                same("functions", r.next(), true);
            }
            same("product", m.getDatabaseProductName() != null, true);
            try (Statement s = c.createStatement()) {
                s.execute("DROP TABLE main.default.jdbc_meta");
            }
        });

        area("errors", c -> {
            try (Statement s = c.createStatement()) {
                try {
                    s.executeQuery("SELECT * FROM main.default.not_there");
                    throw new AssertionError("nothing was raised");
                } catch (SQLException error) {
                    same("message", error.getMessage().contains("TABLE_OR_VIEW_NOT_FOUND"), true);
                    same("state", error.getSQLState(), "42P01");
                }
                try (ResultSet r = s.executeQuery("SELECT 1")) {
                    same("the statement still works", r.next(), true);
                }
            }
        });

        area("timeouts", c -> {
            try (Statement s = c.createStatement()) {
                s.setQueryTimeout(1);
                try {
                    s.executeQuery("SELECT count(*) FROM range(100000000000) a CROSS JOIN range(1000) b");
                    throw new AssertionError("nothing was raised");
                } catch (SQLException error) {
                    System.out.println("     " + error.getClass().getSimpleName() + ": " + error.getMessage());
                }
            }
        });

        area("a wrong token", c -> {
            Properties wrong = new Properties();
            wrong.put("UID", "token");
            wrong.put("PWD", "dapi-wrong");
            try (Connection other = DriverManager.getConnection(url, wrong)) {
                throw new AssertionError("nothing was raised");
            } catch (SQLException error) {
                System.out.println("     " + error.getMessage());
            }
        });

        System.out.println("jdbc: " + passed + " areas passed, " + failed.size() + " failed " + failed);
        System.exit(failed.isEmpty() ? 0 : 1);
    }
}
