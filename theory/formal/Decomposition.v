(* A_n is the sum of the restrictions of the harmonic polynomials of degree 0, ..., n; that the sum is direct is in Direct.v. *)
From mathcomp Require Import all_ssreflect all_algebra.
From SsrMultinomials Require Import mpoly.
From Ceilings Require Import Sphere Span Sharpness Harmonics.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Splitting.
Variable F : realFieldType.
Implicit Types (p q g h : {mpoly F[3]}) (m n k : nat).
Local Notation r2 := (r2 F).
Local Notation Hom n := (dhomog_vectType 2 F n).

(* g -> Laplacian (r^2 g) on homogeneous polynomials of degree m is linear and injective, hence onto. *)
Lemma up_and_down_homog m g : g \is m.-homog -> laplacian (r2 * g) \is m.-homog.
Proof. by move=> hg; apply: laplacian_homog; apply: dhomogM (r2_homog F) hg. Qed.

Definition up_and_down m (g : dhomog 3 F m) : dhomog 3 F m := DHomog (up_and_down_homog (dhomog_is_dhomog g)).
Fact up_and_down_is_linear m : linear (@up_and_down m).
Proof. by move=> c p q; apply: val_inj; rewrite /= mulrDr -scalerAr linearP. Qed.
Canonical up_and_down_additive m := Additive (@up_and_down_is_linear m).
Canonical up_and_down_linear m := Linear (@up_and_down_is_linear m).
Definition up_down m : 'End(Hom m) := linfun (@up_and_down m).

Lemma up_down_injective m : lker (up_down m) == 0%VS.
Proof.
rewrite -subv0; apply/subvP => g; rewrite memv_ker memv0 lfunE /= => /eqP/(congr1 val) /= zero.
apply/eqP/val_inj => /=; apply: (@r2_power_not_harmonic F m 0 g (dhomog_is_dhomog g)).
by rewrite expr1.
Qed.

Lemma laplacian_onto m f : f \is m.-homog -> exists2 g : {mpoly F[3]}, g \is m.-homog & laplacian (r2 * g) = f.
Proof.
move=> hf; have := lker0_lfunVK (up_down_injective m) (DHomog hf : Hom m).
rewrite lfunE => /(congr1 val) /= E.
by exists (val ((up_down m)^-1%VF (DHomog hf : Hom m))); rewrite ?dhomog_is_dhomog.
Qed.

Lemma harmonic_plus_r2 n p : p \is n.+2.-homog ->
  exists h g, [/\ harmonic n.+2 h, g \is n.-homog & p = h + r2 * g].
Proof.
move=> hp; have [g hg E] := laplacian_onto (laplacian_homog hp).
exists (p - r2 * g), g; split=> //; last by rewrite subrK.
rewrite /harmonic linearB /= E subrr eqxx andbT.
by apply: rpredB => //; apply: dhomogM (r2_homog F) hg.
Qed.

Lemma r2_value (v : point F) : r2.@[v] = v ix ^+ 2 + v iy ^+ 2 + v iz ^+ 2.
Proof.
rewrite (raddf_sum (meval_additive v)) /= !big_ord_recl big_ord0 addr0 !mevalM !mevalXU addrA !expr2.
have -> : ord0 = ix by exact: val_inj.
have -> : lift ix (ord0 : 'I_2) = iy by exact: val_inj.
by have -> : lift ix (lift (ord0 : 'I_2) (ord0 : 'I_1)) = iz by exact: val_inj.
Qed.

Lemma r2_on_sphere (v : point F) : on_sphere v -> r2.@[v] = 1.
Proof. by rewrite r2_value. Qed.

(* STATEMENT harmonic_sum: f is on the sphere a sum of harmonic polynomials h_0, ..., h_n. *)
Definition harmonics (h : nat -> {mpoly F[3]}) := forall k, harmonic k (h k).
Definition sum_of (n : nat) (h : nat -> {mpoly F[3]}) : function F := fun v => \sum_(k < n.+1) (h k).@[v].
(* END *)
Definition decomposes n (f : function F) := exists2 h, harmonics h & agree f (sum_of n h).

Lemma harmonic0 k : harmonic k (0 : {mpoly F[3]}).
Proof. by rewrite /harmonic rpred0 linear0 eqxx. Qed.
Lemma harmonicD k p q : harmonic k p -> harmonic k q -> harmonic k (p + q).
Proof. by case/andP=> hp /eqP lp /andP[hq /eqP lq]; rewrite /harmonic rpredD // linearD /= lp lq addr0 eqxx. Qed.
Lemma harmonicB k p q : harmonic k p -> harmonic k q -> harmonic k (p - q).
Proof. by case/andP=> hp /eqP lp /andP[hq /eqP lq]; rewrite /harmonic rpredB // linearB /= lp lq subr0 eqxx. Qed.

Lemma decomposes_zero n : decomposes n (fun=> 0).
Proof.
by exists (fun=> 0) => [k|v _]; [exact: harmonic0 | rewrite /sum_of big1 // => k _; rewrite meval0].
Qed.
Lemma decomposes_agree n (f g : function F) : decomposes n f -> agree f g -> decomposes n g.
Proof. by move=> [h hh e] fg; exists h => //; apply: agree_trans e; apply: agree_sym. Qed.
Lemma decomposes_sum n (f g : function F) : decomposes n f -> decomposes n g -> decomposes n (fun v => f v + g v).
Proof.
move=> [h hh e] [h' hh' e']; exists (fun k => h k + h' k) => [k|v sv]; first exact: harmonicD.
by rewrite e // e' // /sum_of -big_split; apply: eq_bigr => k _; rewrite mevalD.
Qed.
Lemma decomposes_harmonic n k h : (k <= n)%N -> harmonic k h -> decomposes n (fun v => h.@[v]).
Proof.
move=> kn hh; exists (fun i => if i == k then h else 0) => [i|v _].
  by case: eqP => [->|_] //; exact: harmonic0.
rewrite /sum_of (bigD1 (inord k)) //= inordK // eqxx big1 ?addr0 // => i ne.
rewrite ifN ?meval0 //; apply: contra ne => /eqP e; apply/eqP/val_inj.
by rewrite /= inordK.
Qed.

Lemma low_harmonic k p : (k < 2)%N -> p \is k.-homog -> harmonic k p.
Proof. by move=> k2 hp; rewrite /harmonic hp (laplacian_low k2 hp) eqxx. Qed.

Lemma homogeneous_decomposes n k p : (k <= n)%N -> p \is k.-homog -> decomposes n (fun v => p.@[v]).
Proof.
elim/ltn_ind: k p => k IH p kn hp; case: (ltnP k 2) => [low|].
  by apply: decomposes_harmonic kn _; apply: low_harmonic.
case: k IH kn hp => [|[|k]] // IH kn hp _.
have [h [g [hh hg E]]] := harmonic_plus_r2 hp.
have Dg : decomposes n (fun v => g.@[v]) by apply: (IH k) => //; apply: leq_trans kn; rewrite leqW.
apply: decomposes_agree (decomposes_sum (decomposes_harmonic kn hh) Dg) _ => v sv.
by rewrite E mevalD mevalM r2_on_sphere // mul1r.
Qed.

(* STATEMENT harmonics_span: A_n holds the sums h_0 + ... + h_n of harmonic polynomials, and nothing else. *)
Theorem harmonics_span n f : A n f <-> exists2 h, harmonics h & agree f (sum_of n h).
(* END *)
Proof.
split=> [[p sp ep]|[h hh e]].
  apply: decomposes_agree (agree_sym ep).
  have E : agree (fun v => \sum_(k < n.+1) (pihomog [measure of mdeg] k p).@[v]) (fun v => p.@[v]).
    by move=> v _; rewrite [in RHS](pihomog_partitionE sp) (raddf_sum (meval_additive v)).
  apply: decomposes_agree E.
  have D k : (k <= n)%N -> decomposes n (fun v => (pihomog [measure of mdeg] k p).@[v]).
    by move=> kn; apply: homogeneous_decomposes kn _; apply: pihomogP.
  suff S m : (m <= n.+1)%N -> decomposes n (fun v => \sum_(k < m) (pihomog [measure of mdeg] k p).@[v]) by exact: S.
  elim: m => [_|m IH mn].
    by apply: decomposes_agree (decomposes_zero n) _ => v _; rewrite big_ord0.
  apply: decomposes_agree (decomposes_sum (IH (ltnW mn)) (D m mn)) _ => v _.
  by rewrite big_ord_recr.
apply: A_agree (agree_sym e).
suff S m : (m <= n.+1)%N -> A n (fun v => \sum_(k < m) (h k).@[v]) by exact: S.
elim: m => [_|m IH mn].
  by apply: A_agree (A_const n 0) _ => v _; rewrite big_ord0.
have Ah : A n (fun v => (h m).@[v]).
  apply: A_poly; rewrite msizeE; apply/bigmax_leqP_seq => u um _.
  by have /andP[hm _] := hh m; rewrite (homog_degree hm um).
by apply: A_agree (A_sum (IH (ltnW mn)) Ah) _ => v _; rewrite big_ord_recr.
Qed.
(* STATEMENT span_is_harmonics: the span theorem in terms of harmonics: polynomials of degree <= d in the features of l <= L span
   the harmonics of l <= dL. *)
Theorem span_is_harmonics L d f : P L d f <-> exists2 h, harmonics h & agree f (sum_of (d * L) h).
(* END *)
Proof. by split=> [/span_theorem/harmonics_span|/harmonics_span/span_theorem]. Qed.
End Splitting.
