"""What all databases' adapters do alike: values as rows, answers as they are kept."""
