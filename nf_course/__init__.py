"""nf_course: normalizing flows in PyTorch, small enough to read beside the equations.

Every map is a `Bijection`: z, ladj = encode(x) from data to latent, x, ladj = decode(z) back again.
"""

from nf_course.actnorm import ActNorm
from nf_course.attributes import ATTRIBUTES, Standardise, face_attributes, standard_attributes
from nf_course.bijection import Bijection, Inverse, Sequential
from nf_course.bits import bits_per_dim, check_dequantized, density_bits_per_dim, explain_bits_per_dim
from nf_course.checking import BijectionError, check_bijection, log_abs_det_jacobian, randomise
from nf_course.checkpoint import load_checkpoint, save_checkpoint
from nf_course.clouds import chamfer, earth_mover, one_nn_accuracy, pairwise
from nf_course.conditional import ConditionalNormal
from nf_course.conditioners import MLP, ConvNet
from nf_course.continuous import ContinuousFlow
from nf_course.coupling import AdditiveCoupling, AffineCoupling, CouplingStack
from nf_course.dequantize import Dequantize, Logit, VariationalDequantize
from nf_course.devices import device, setting
from nf_course.diagonal import DiagonalScaling
from nf_course.edit_baselines import GradientEdit, LinearEdit, RegressionEdit
from nf_course.edit_measures import EditMeasures, disentanglement, edit_table, measure_edits
from nf_course.editing import FlowEdit, StyleEditor
from nf_course.encoded import Encoded
from nf_course.energy import EnergyPenalty
from nf_course.face_features import face_features, feature_distance
from nf_course.fields import ConcatSquashField, ConvField, MLPField, PointField
from nf_course.flow import Flow, StandardNormal
from nf_course.injector import AffineInjector, Guess
from nf_course.laplace import StandardLaplace
from nf_course.linear import LULinear
from nf_course.logistic import StandardLogistic
from nf_course.map_estimate import MapDiverged, MapEstimate, map_estimate
from nf_course.masks import Alternating, Checkerboard, Halves, IndexMask, Mask
from nf_course.matching import flow_matching_loss
from nf_course.mixture import NormalMixture
from nf_course.picture_code import PictureCode
from nf_course.picture_pairs import PicturePairs, picture_pairs
from nf_course.pose_variations import turned_about, varied
from nf_course.posing import joint_error, random_cameras, seen_by, stood_up
from nf_course.precision import mixed_precision
from nf_course.render import camera, depth_image, silhouette
from nf_course.reshape import Flatten, Split, Squeeze
from nf_course.resize import Enlarge, enlarge, reduce
from nf_course.reversible import InversionError, Reversible
from nf_course.rrdb import RRDB, ToLevel
from nf_course.solvers import RK4, Dopri5, SolverError
from nf_course.source import show_source
from nf_course.summary import Summary, summary
from nf_course.traces import ExactTrace, HutchinsonTrace, rademacher
from nf_course.training import History, NonFiniteLoss, fit, mean_nll
from nf_course.weights import load_weights, save_weights

__version__ = "0.1.0"

__all__ = [
    "ATTRIBUTES",
    "MLP",
    "RK4",
    "RRDB",
    "ActNorm",
    "AdditiveCoupling",
    "AffineCoupling",
    "AffineInjector",
    "Alternating",
    "Bijection",
    "BijectionError",
    "Checkerboard",
    "ConcatSquashField",
    "ConditionalNormal",
    "ContinuousFlow",
    "ConvField",
    "ConvNet",
    "CouplingStack",
    "Dequantize",
    "DiagonalScaling",
    "Dopri5",
    "EditMeasures",
    "Encoded",
    "EnergyPenalty",
    "Enlarge",
    "ExactTrace",
    "Flatten",
    "Flow",
    "FlowEdit",
    "GradientEdit",
    "Guess",
    "Halves",
    "History",
    "HutchinsonTrace",
    "IndexMask",
    "Inverse",
    "InversionError",
    "LULinear",
    "LinearEdit",
    "Logit",
    "MLPField",
    "MapDiverged",
    "MapEstimate",
    "Mask",
    "NonFiniteLoss",
    "NormalMixture",
    "PictureCode",
    "PicturePairs",
    "PointField",
    "RegressionEdit",
    "Reversible",
    "Sequential",
    "SolverError",
    "Split",
    "Squeeze",
    "StandardLaplace",
    "StandardLogistic",
    "StandardNormal",
    "Standardise",
    "StyleEditor",
    "Summary",
    "ToLevel",
    "VariationalDequantize",
    "bits_per_dim",
    "camera",
    "chamfer",
    "check_bijection",
    "check_dequantized",
    "density_bits_per_dim",
    "depth_image",
    "device",
    "disentanglement",
    "earth_mover",
    "edit_table",
    "enlarge",
    "explain_bits_per_dim",
    "face_attributes",
    "face_features",
    "feature_distance",
    "fit",
    "flow_matching_loss",
    "joint_error",
    "load_checkpoint",
    "load_weights",
    "log_abs_det_jacobian",
    "map_estimate",
    "mean_nll",
    "measure_edits",
    "mixed_precision",
    "one_nn_accuracy",
    "pairwise",
    "picture_pairs",
    "rademacher",
    "random_cameras",
    "randomise",
    "reduce",
    "save_checkpoint",
    "save_weights",
    "seen_by",
    "setting",
    "show_source",
    "silhouette",
    "standard_attributes",
    "stood_up",
    "summary",
    "turned_about",
    "varied",
]
