# Airflow's official image, our lock and our code. Python 3.12: the middle of what the lock is made for (3.11 to 3.13).
# By exact tag, not by digest: no image registry could be reached where this was written.
FROM apache/airflow:3.3.2-python3.12

COPY --chown=airflow:root requirements.txt /opt/tenancy/requirements.txt
# What the image brings besides stays; where it differs from the lock, the lock counts.
RUN pip install --no-cache-dir --requirement /opt/tenancy/requirements.txt

COPY --chown=airflow:root dags /opt/tenancy/dags
COPY --chown=airflow:root plugins /opt/tenancy/plugins
COPY --chown=airflow:root include/airflow_local_settings.py /opt/tenancy/include/airflow_local_settings.py
COPY --chown=airflow:root include/installation /opt/tenancy/include/installation
COPY --chown=airflow:root include/tenancy /opt/tenancy/include/tenancy
COPY --chown=airflow:root products /opt/tenancy/products

ENV PYTHONPATH=/opt/tenancy/include \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/tenancy/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/tenancy/plugins \
    TENANCY_PLATFORM_FILE=/opt/tenancy/platform.toml

# Compiled here: the containers' user may not write beside the code.
RUN python -m compileall -q /opt/tenancy
