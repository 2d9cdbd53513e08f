"""Alembic's entry point: runs the versions on the connection that the caller brings."""

from alembic import context

from schemas.index import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
