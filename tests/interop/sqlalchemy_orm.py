"""databricks-sqlalchemy against the embedded workspace: engine, inspector, reflection, statements and ORM.

Reads DATABRICKS_HOST, DATABRICKS_TOKEN and DATABRICKS_WAREHOUSE_ID. Every difference is noted and the others go on.
"""

import datetime
import decimal
import os
import sys
import traceback

from sqlalchemy import Column, MetaData, Table, bindparam, create_engine, func, inspect, select, text
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import BigInteger, Boolean, Date, Integer, Numeric, String

HOST = os.environ["DATABRICKS_HOST"]
PATH = f"/sql/1.0/warehouses/{os.environ['DATABRICKS_WAREHOUSE_ID']}"
URL = (
    f"databricks://token:{os.environ['DATABRICKS_TOKEN']}@{HOST.removeprefix('http://')}"
    f"?http_path={PATH}&catalog=main&schema=default"
)
ENGINE = create_engine(URL, connect_args={"_connection_uri": HOST + PATH, "enable_telemetry": False})

passed, failed = 0, []


def same(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what}: {got!r} instead of {expected!r}")


def area(function):
    global passed
    try:
        function()
    except Exception:
        failed.append(function.__name__)
        print(f"FAIL {function.__name__}\n{traceback.format_exc()}")
    else:
        passed += 1
        print(f"ok   {function.__name__}")
    return function


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "alchemy_items"
    id = Column(BigInteger, primary_key=True)
    name = Column(String)
    price = Column(Numeric(10, 2))
    day = Column(Date)
    sold = Column(Boolean)


@area
def plain_statements():
    with ENGINE.connect() as connection:
        same("one", connection.execute(text("SELECT 1")).scalar(), 1)
        row = connection.execute(text("SELECT :a + 1 AS a, :b AS b"), {"a": 41, "b": "it's"}).one()
        same("parameters", tuple(row), (42, "it's"))
        same("columns", list(connection.execute(text("SELECT 1 AS MyCol, 2 AS b")).keys()), ["MyCol", "b"])


@area
def tables_are_made():
    with ENGINE.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS main.default.alchemy_items"))
        # The primary key that the ORM wants has no place in the statement.
        connection.execute(
            text("CREATE TABLE alchemy_items (id BIGINT, name STRING, price DECIMAL(10,2), day DATE, sold BOOLEAN)")
        )
    same("there", inspect(ENGINE).has_table("alchemy_items"), True)
    same("not there", inspect(ENGINE).has_table("alchemy_nothing"), False)


@area
def rows_are_written_by_the_orm():
    day = datetime.date(2024, 2, 29)
    with Session(ENGINE) as session:
        session.add_all(
            [
                Item(id=1, name="a", price=decimal.Decimal("1.50"), day=day, sold=True),
                Item(id=2, name="b", price=None, day=None, sold=None),
                Item(id=3, name="it's", price=decimal.Decimal("2.25"), day=day, sold=False),
            ]
        )
        session.commit()
        found = session.scalars(select(Item).order_by(Item.id)).all()
        same("names", [i.name for i in found], ["a", "b", "it's"])
        same("values", (found[0].price, found[0].day, found[0].sold), (decimal.Decimal("1.50"), day, True))
        same("nulls", (found[1].price, found[1].day, found[1].sold), (None, None, None))
        found[1].name = "changed"
        session.commit()
        session.delete(found[2])
        session.commit()
        same("left", session.scalar(select(func.count()).select_from(Item)), 2)
        same("changed", session.get(Item, 2).name, "changed")


@area
def statements_of_core():
    items = Item.__table__
    with ENGINE.begin() as connection:
        connection.execute(items.insert(), [{"id": 10, "name": "x"}, {"id": 11, "name": "y"}])
        query = select(items.c.id).where(items.c.name.in_(["x", "y"])).order_by(items.c.id)
        same("in", connection.execute(query).scalars().all(), [10, 11])
        query = select(items.c.id).where(items.c.name == bindparam("n")).limit(1)
        same("bound", connection.execute(query, {"n": "x"}).scalar(), 10)
        connection.execute(items.update().where(items.c.id == 10).values(name="z"))
        same("like", connection.execute(select(items.c.id).where(items.c.name.like("z%"))).scalar(), 10)


@area
def the_inspector_lists():
    found = inspect(ENGINE)
    same("default schema", "default" in found.get_schema_names(), True)
    same("table", "alchemy_items" in found.get_table_names(schema="default"), True)
    with ENGINE.begin() as connection:
        connection.execute(text("CREATE OR REPLACE VIEW main.default.alchemy_view AS SELECT 1 AS a"))
    same("view", "alchemy_view" in inspect(ENGINE).get_view_names(schema="default"), True)
    columns = found.get_columns("alchemy_items")
    same("columns", [c["name"] for c in columns], ["id", "name", "price", "day", "sold"])
    kinds = [type(c["type"]).__mro__ for c in columns]
    for mro, kind in zip(kinds, [BigInteger, String, Numeric, Date, Boolean]):
        assert kind in mro, (mro, kind)
    same("primary key", found.get_pk_constraint("alchemy_items")["constrained_columns"], [])
    same("foreign keys", found.get_foreign_keys("alchemy_items"), [])
    same("indexes", found.get_indexes("alchemy_items"), [])


@area
def tables_are_reflected():
    table = Table("alchemy_items", MetaData(), autoload_with=ENGINE)
    same("columns", [c.name for c in table.columns], ["id", "name", "price", "day", "sold"])
    with ENGINE.connect() as connection:
        same("read", connection.execute(select(table.c.name).where(table.c.id == 1)).scalar(), "a")


@area
def errors_are_the_databases():
    from sqlalchemy.exc import DatabaseError

    try:
        with ENGINE.connect() as connection:
            connection.execute(text("SELECT * FROM not_there"))
    except DatabaseError as error:
        assert "TABLE_OR_VIEW_NOT_FOUND" in str(error), error
    else:
        raise AssertionError("nothing was raised")


@area
def what_was_made_is_dropped():
    with ENGINE.begin() as connection:
        connection.execute(text("DROP VIEW IF EXISTS main.default.alchemy_view"))
        connection.execute(text("DROP TABLE main.default.alchemy_items"))
    same("gone", inspect(ENGINE).has_table("alchemy_items"), False)


@area
def tables_are_made_by_the_metadata():
    """As the ORM writes it: USING DELTA, NOT NULL and a primary key."""
    other = MetaData()
    table = Table("alchemy_made", other, Column("id", Integer), Column("name", String))
    other.create_all(ENGINE)
    with ENGINE.begin() as connection:
        connection.execute(table.insert(), [{"id": 1, "name": "a"}])
        same("row", tuple(connection.execute(select(table)).one()), (1, "a"))
    other.drop_all(ENGINE)


print(f"sqlalchemy: {passed} areas passed, {len(failed)} failed {failed}")
sys.exit(1 if failed else 0)
