"""What the engine has over dependency order: joins that stream, deadlines, races, speculation."""
