"""What people and other systems touch: screens, API, sign-in, command line, worker. The only folder that knows Streamlit."""
