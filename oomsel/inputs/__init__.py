"""Whatever people have, told apart and read: scenario files, bundles, tables, kernel logs."""
