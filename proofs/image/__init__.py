"""The image without a container engine: the Dockerfile is read, and its steps are carried out in a folder."""
