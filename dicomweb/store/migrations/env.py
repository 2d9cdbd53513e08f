"""Alembic's entry point: runs the versions on the connection that the caller brings."""

from alembic import context

from schemas.index import METADATA

connection = context.config.attributes["connection"]
if connection.dialect.name == "sqlite":
    # Python's driver begins no transaction for DDL; a start that is killed must leave nothing.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
