(* The harmonic polynomials of degree n have dimension 2n+1, and A_n has a basis of (n+1)^2 of them. *)
From mathcomp Require Import all_ssreflect all_algebra.
From SsrMultinomials Require Import mpoly.
From Ceilings Require Import Sphere Span Sharpness Harmonics Decomposition Direct.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Dimension.
Variable F : rcfType.
Implicit Types (p : {mpoly F[3]}) (n k : nat).
Local Notation Hom n := (dhomog_vectType 2 F n).

Lemma down_homog n p : p \is n.-homog -> laplacian p \is n.-2.-homog.
Proof.
case: (ltnP n 2) => [low hp|]; first by rewrite (laplacian_low low hp) rpred0.
by case: n => [|[|n]] // _; apply: laplacian_homog.
Qed.

Definition down n (g : dhomog 3 F n) : dhomog 3 F n.-2 := DHomog (down_homog (dhomog_is_dhomog g)).
Fact down_is_linear n : linear (@down n).
Proof. by move=> c p q; apply: val_inj; rewrite /= linearP. Qed.
Canonical down_additive n := Additive (@down_is_linear n).
Canonical down_linear n := Linear (@down_is_linear n).
Definition lap n : 'Hom(Hom n, Hom n.-2) := linfun (@down n).

(* STATEMENT Har: the space of homogeneous polynomials of degree n whose Laplacian is zero (lap is the Laplacian on them). *)
Definition Har n : {vspace Hom n} := lker (lap n).
(* END *)

Lemma HarP n (g : Hom n) : (g \in Har n) = (laplacian (val g) == 0).
Proof. by rewrite memv_ker lfunE /= -val_eqE. Qed.

Lemma Har_harmonic n (g : Hom n) : g \in Har n -> harmonic n (val g).
Proof. by rewrite HarP /harmonic (dhomog_is_dhomog g). Qed.

Lemma dim_Hom n : \dim {: Hom n} = 'C(n.+2, 2).
Proof.
rewrite dimvf -[Vector.dim _]/('C(n + 2, n)).
by rewrite -{2}[n](addnK 2) bin_sub ?leq_addl // addn2.
Qed.

(* STATEMENT harmonic_dimension: the harmonic polynomials of degree n have dimension 2n+1. *)
Theorem harmonic_dimension n : \dim (Har n) = (2 * n + 1)%N.
(* END *)
Proof.
case: (ltnP n 2) => [low|].
  have -> : Har n = fullv.
    apply/eqP; rewrite eqEsubv subvf; apply/subvP => g _.
    by rewrite HarP (laplacian_low low (dhomog_is_dhomog g)).
  by rewrite dim_Hom; case: n low => [|[|n]].
case: n => [|[|n]] // _.
have onto : limg (lap n.+2) = fullv.
  apply/eqP; rewrite eqEsubv subvf; apply/subvP => g _.
  have [q hq E] := laplacian_onto (dhomog_is_dhomog g).
  have hr : r2 F * q \is n.+2.-homog by apply: dhomogM (r2_homog F) hq.
  have <- : lap n.+2 (DHomog hr : Hom n.+2) = g by apply: val_inj; rewrite lfunE.
  exact: memv_img (memvf _).
have := limg_ker_dim (lap n.+2) fullv; rewrite capfv onto !dim_Hom.
have -> : 'C(n.+4, 2) = (2 * n.+2 + 1 + 'C(n.+2, 2))%N.
  by rewrite binS bin1 binS bin1 -addnA addnC; congr (_ + _)%N; rewrite mul2n -addnn addn1 -addnS.
by move/eqP; rewrite eqn_add2r => /eqP.
Qed.

Lemma value_of_sum k (I : Type) (r : seq I) (G : I -> Hom k) :
  (val (\sum_(i <- r) G i) : {mpoly F[3]}) = \sum_(i <- r) (val (G i) : {mpoly F[3]}).
Proof. exact: (big_morph (fun g : Hom k => val g : {mpoly F[3]})). Qed.

(* The basis, and the coefficients of a harmonic polynomial in it. *)
Definition b k i : {mpoly F[3]} := val ((vbasis (Har k))`_i : Hom k).

Lemma basis_in k i : (vbasis (Har k))`_i \in Har k.
Proof.
case: (ltnP i (\dim (Har k))) => [lt|ge]; last by rewrite nth_default ?size_tuple ?mem0v.
by apply: vbasis_mem; apply: mem_nth; rewrite size_tuple.
Qed.

Definition coefficient k p (i : nat) : F :=
  if insub i is Some j then coord (vbasis (Har k)) j (indhomog k p : Hom k) else 0.

Lemma expanded k p : harmonic k p -> p = \sum_(i < 2 * k + 1) coefficient k p i *: b k i.
Proof.
move=> /andP[hp lp]; rewrite -harmonic_dimension.
have E : val (indhomog k p : Hom k) = p by apply: insubdK.
have g_in : (indhomog k p : Hom k) \in Har k by rewrite HarP E.
rewrite -[LHS]E (coord_vbasis g_in) value_of_sum.
by apply: eq_bigr => i _; rewrite /coefficient valK.
Qed.

Definition combined k (c : nat -> F) : Hom k := \sum_(i < 2 * k + 1) c i *: (vbasis (Har k))`_i.

Lemma combined_value k c (v : point F) : (val (combined k c)).@[v] = \sum_(i < 2 * k + 1) c i * (b k i).@[v].
Proof.
rewrite /combined value_of_sum (raddf_sum (meval_additive v)).
by apply: eq_bigr => i _ /=; rewrite mevalZ.
Qed.

Lemma combined_harmonic k c : harmonic k (val (combined k c)).
Proof. by apply: Har_harmonic; apply: memv_suml => i _; apply: memvZ; apply: basis_in. Qed.

Lemma combined_injective k c c' : combined k c = combined k c' -> forall i, (i < 2 * k + 1)%N -> c i = c' i.
Proof.
move=> e i; rewrite -harmonic_dimension => lt; apply/eqP; rewrite -subr_eq0; apply/eqP.
have /freeP free := basis_free (vbasisP (Har k)).
apply: (free (fun j => c j - c' j) _ (Ordinal lt)).
move: e; rewrite /combined -harmonic_dimension => e.
under eq_bigr => j _ do rewrite scalerBl.
by rewrite sumrB e subrr.
Qed.

(* STATEMENT combination: the combination on the sphere of b k i, k <= n and i < 2k+1, with coefficients c k i. *)
Definition combination (n : nat) (b : nat -> nat -> {mpoly F[3]}) (c : nat -> nat -> F) : function F :=
  fun v => \sum_(k < n.+1) \sum_(i < 2 * k + 1) c k i * (b k i).@[v].
(* END *)

(* STATEMENT basis: there are harmonic polynomials b k i, 2k+1 for every degree k <= n, so that every function in A_n is on
   the sphere a combination of them with coefficients that it determines. *)
Theorem basis : exists b : nat -> nat -> {mpoly F[3]}, (forall k i, harmonic k (b k i)) /\
  forall n f, A n f -> exists c, agree f (combination n b c) /\
    forall c', agree f (combination n b c') -> forall k i, (k <= n)%N -> (i < 2 * k + 1)%N -> c' k i = c k i.
(* END *)
Proof.
exists b; split=> [k i|n f /harmonics_span[h hh e]]; first by apply: Har_harmonic; apply: basis_in.
have S c : agree (combination n b c) (sum_of n (fun k => val (combined k (c k)))).
  by move=> v _; apply: eq_bigr => k _; rewrite combined_value.
exists (fun k => coefficient k (h k)); split.
  apply: agree_trans e _ => v _; apply: eq_bigr => k _.
  by rewrite {1}(expanded (hh k)) (raddf_sum (meval_additive v)); apply: eq_bigr => i _ /=; rewrite mevalZ.
move=> c' e' k i kn; apply: combined_injective; apply: val_inj => /=.
have C' j : harmonic j (val (combined j (c' j))) by exact: combined_harmonic.
have := @harmonics_direct F n h (fun j => val (combined j (c' j))) hh C'.
move=> /(_ (agree_trans (agree_sym e) (agree_trans e' (S c')))) /(_ k kn) <-.
rewrite [LHS](expanded (hh k)) /combined value_of_sum.
by apply: eq_bigr.
Qed.

(* STATEMENT basis_size: these are (n+1)^2 polynomials. *)
Theorem basis_size n : (\sum_(k < n.+1) (2 * k + 1) = n.+1 ^ 2)%N.
(* END *)
Proof.
elim: n => [|n IH]; first by rewrite big_ord_recl big_ord0.
by rewrite big_ord_recr IH /= -[n.+2]addn1 sqrnD exp1n muln1 -addnA [(1 + _)%N]addnC.
Qed.
End Dimension.
