"""Run by alembic inside the transaction that `migrate` holds open."""

from __future__ import annotations

from alembic import context

from teleflow.storage.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
