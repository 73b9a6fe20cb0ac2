"""What each fault verb of the sandbox does to a bare client: a module for each part of its life, with CASES."""
