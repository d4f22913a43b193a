"""What differs between two databases of one page: schema, migrations, settings, extensions and roles."""
