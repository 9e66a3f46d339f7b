"""What is used of the SageMaker Python SDK, without what it says when it is loaded: that there is a version 3, without readers."""

import logging
import os

os.environ["SAGEMAKER_SUPPRESS_V2_WARNING"] = "1"
logging.getLogger("sagemaker.config").setLevel(logging.WARNING)

from sagemaker.amazon.common import read_records
from sagemaker.inputs import TrainingInput
from sagemaker.model_monitor import Constraints, Statistics

__all__ = ["Constraints", "Statistics", "TrainingInput", "read_records"]
